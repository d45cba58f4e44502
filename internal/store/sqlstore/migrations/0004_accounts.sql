-- +goose Up
ALTER TABLE users ADD COLUMN epoch_at BIGINT NOT NULL DEFAULT 0;
CREATE TABLE accounts (
    realm TEXT NOT NULL, pk BIGINT NOT NULL, user_id TEXT NOT NULL, strand_id TEXT NOT NULL,
    username TEXT NOT NULL, username_fold TEXT NOT NULL,
    first_address TEXT NOT NULL, first_key TEXT NOT NULL, second_address TEXT NOT NULL, second_key TEXT NOT NULL,
    verified BIGINT NOT NULL, created BIGINT NOT NULL,
    PRIMARY KEY (realm, pk));
CREATE UNIQUE INDEX accounts_by_strand ON accounts (strand_id, realm);
CREATE INDEX accounts_by_user ON accounts (user_id, realm, pk);
CREATE INDEX accounts_by_first ON accounts (realm, first_key, pk);
CREATE INDEX accounts_by_second ON accounts (realm, second_key, pk);
CREATE TABLE mailed_tokens (
    realm TEXT NOT NULL, record TEXT NOT NULL, action TEXT NOT NULL, user_id TEXT NOT NULL, strand_id TEXT NOT NULL,
    address TEXT NOT NULL, address_key TEXT NOT NULL, renew BIGINT NOT NULL,
    sent BIGINT NOT NULL, until BIGINT NOT NULL, used BIGINT NOT NULL,
    PRIMARY KEY (realm, record));
CREATE INDEX mailed_tokens_by_user ON mailed_tokens (user_id, realm, sent);
CREATE INDEX mailed_tokens_by_end ON mailed_tokens (realm, until);
CREATE TABLE counters (
    realm TEXT NOT NULL, name TEXT NOT NULL, value BIGINT NOT NULL,
    PRIMARY KEY (realm, name));
