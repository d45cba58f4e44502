-- +goose Up
CREATE TABLE codes (
    realm TEXT NOT NULL, kind TEXT NOT NULL, address TEXT NOT NULL, purpose TEXT NOT NULL,
    id TEXT NOT NULL, created BIGINT NOT NULL, until BIGINT NOT NULL, wrong BIGINT NOT NULL, used BIGINT NOT NULL,
    PRIMARY KEY (realm, kind, address, purpose));
CREATE INDEX codes_by_end ON codes (realm, until);
CREATE TABLE callers (
    realm TEXT NOT NULL, door TEXT NOT NULL, name TEXT NOT NULL,
    may_attest BIGINT NOT NULL, may_administer BIGINT NOT NULL, created BIGINT NOT NULL,
    PRIMARY KEY (realm, door, name));
CREATE TABLE caller_tokens (
    realm TEXT NOT NULL, hash TEXT NOT NULL, door TEXT NOT NULL, caller TEXT NOT NULL,
    created BIGINT NOT NULL, expires BIGINT NOT NULL,
    PRIMARY KEY (realm, hash));
CREATE TABLE issuers (
    realm TEXT NOT NULL, door TEXT NOT NULL, iss TEXT NOT NULL, channel TEXT NOT NULL, created BIGINT NOT NULL,
    PRIMARY KEY (realm, door, iss, channel));
CREATE TABLE issuer_keys (
    realm TEXT NOT NULL, door TEXT NOT NULL, iss TEXT NOT NULL, fingerprint TEXT NOT NULL,
    public TEXT NOT NULL, created BIGINT NOT NULL, until BIGINT NOT NULL,
    PRIMARY KEY (realm, door, iss, fingerprint));
CREATE TABLE visits (
    realm TEXT NOT NULL, hash TEXT NOT NULL, kind TEXT NOT NULL, body TEXT NOT NULL,
    created BIGINT NOT NULL, until BIGINT NOT NULL,
    PRIMARY KEY (realm, hash));
CREATE INDEX visits_by_end ON visits (realm, until);
CREATE INDEX groups_by_external ON groups (parent, realm, kind, external_id);
