-- +goose Up
CREATE TABLE users (
    realm TEXT NOT NULL, id TEXT NOT NULL, status TEXT NOT NULL, epoch BIGINT NOT NULL, profile TEXT NOT NULL,
    survivor TEXT NOT NULL, closed_by TEXT NOT NULL, created BIGINT NOT NULL, updated BIGINT NOT NULL, closed BIGINT NOT NULL,
    PRIMARY KEY (realm, id));
CREATE TABLE strands (
    realm TEXT NOT NULL, id TEXT NOT NULL, user_id TEXT NOT NULL, origin TEXT NOT NULL, source TEXT NOT NULL, door TEXT NOT NULL,
    kind TEXT NOT NULL, state TEXT NOT NULL, document TEXT NOT NULL, edits TEXT NOT NULL,
    created BIGINT NOT NULL, created_by TEXT NOT NULL, updated BIGINT NOT NULL, updated_by TEXT NOT NULL,
    withdrawn BIGINT NOT NULL, withdrawn_by TEXT NOT NULL,
    PRIMARY KEY (realm, id));
CREATE INDEX strands_by_user ON strands (user_id, realm, id);
CREATE UNIQUE INDEX strands_by_source ON strands (realm, source, id);
CREATE TABLE identities (
    realm TEXT NOT NULL, issuer TEXT NOT NULL, subject TEXT NOT NULL, user_id TEXT NOT NULL, strand_id TEXT NOT NULL,
    reserved BIGINT NOT NULL, created BIGINT NOT NULL,
    PRIMARY KEY (realm, issuer, subject));
CREATE INDEX identities_by_user ON identities (user_id, realm, strand_id);
CREATE TABLE handles (
    realm TEXT NOT NULL, space TEXT NOT NULL, value TEXT NOT NULL, user_id TEXT NOT NULL, strand_id TEXT NOT NULL,
    dead BIGINT NOT NULL, created BIGINT NOT NULL,
    PRIMARY KEY (realm, value, space));
CREATE INDEX handles_by_user ON handles (user_id, realm, strand_id, space, dead, value);
CREATE TABLE claims (
    realm TEXT NOT NULL, kind TEXT NOT NULL, address TEXT NOT NULL, user_id TEXT NOT NULL, strand_id TEXT NOT NULL,
    door TEXT NOT NULL, source TEXT NOT NULL, display TEXT NOT NULL, assurance TEXT NOT NULL, since BIGINT NOT NULL,
    PRIMARY KEY (realm, kind, address, door, user_id, strand_id));
CREATE INDEX claims_by_user ON claims (user_id, realm, strand_id);
CREATE TABLE owners (
    realm TEXT NOT NULL, kind TEXT NOT NULL, address TEXT NOT NULL, user_id TEXT NOT NULL, strand_id TEXT NOT NULL,
    proven BIGINT NOT NULL,
    PRIMARY KEY (realm, kind, address));
CREATE INDEX owners_by_user ON owners (user_id, realm, strand_id);
CREATE TABLE passwords (
    realm TEXT NOT NULL, user_id TEXT NOT NULL, strand_id TEXT NOT NULL, hash TEXT NOT NULL, imported TEXT NOT NULL,
    set_aside BIGINT NOT NULL, set_at BIGINT NOT NULL,
    PRIMARY KEY (realm, user_id, strand_id));
CREATE TABLE locks (
    realm TEXT NOT NULL, user_id TEXT NOT NULL, source TEXT NOT NULL, reason TEXT NOT NULL, by_whom TEXT NOT NULL, at BIGINT NOT NULL,
    PRIMARY KEY (realm, user_id, source));
CREATE TABLE groups (
    realm TEXT NOT NULL, id TEXT NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL, parent TEXT NOT NULL, external_id TEXT NOT NULL,
    system BIGINT NOT NULL, attributes TEXT NOT NULL, created BIGINT NOT NULL,
    PRIMARY KEY (realm, id));
CREATE UNIQUE INDEX groups_by_name ON groups (realm, name, kind, parent);
CREATE TABLE memberships (
    realm TEXT NOT NULL, group_id TEXT NOT NULL, user_id TEXT NOT NULL, strand_id TEXT NOT NULL, role TEXT NOT NULL, since BIGINT NOT NULL,
    PRIMARY KEY (realm, group_id, user_id, strand_id));
CREATE INDEX memberships_by_user ON memberships (user_id, realm, strand_id, group_id);
CREATE TABLE sessions (
    realm TEXT NOT NULL, id TEXT NOT NULL, user_id TEXT NOT NULL, strand_id TEXT NOT NULL, door TEXT NOT NULL, client TEXT NOT NULL,
    subject TEXT NOT NULL, epoch BIGINT NOT NULL, methods TEXT NOT NULL, proven BIGINT NOT NULL, created BIGINT NOT NULL,
    expires BIGINT NOT NULL, revoked BIGINT NOT NULL,
    PRIMARY KEY (realm, id));
CREATE INDEX sessions_by_user ON sessions (user_id, realm, revoked);
CREATE TABLE tokens (
    realm TEXT NOT NULL, hash TEXT NOT NULL, kind TEXT NOT NULL, session_id TEXT NOT NULL, expires BIGINT NOT NULL,
    used BIGINT NOT NULL, created BIGINT NOT NULL,
    PRIMARY KEY (realm, hash));
CREATE INDEX tokens_by_session ON tokens (session_id, realm);
CREATE INDEX tokens_by_end ON tokens (realm, expires);
CREATE TABLE clients (
    realm TEXT NOT NULL, client_id TEXT NOT NULL, id TEXT NOT NULL, secret_hash TEXT NOT NULL, name TEXT NOT NULL,
    distinct_errors BIGINT NOT NULL, created BIGINT NOT NULL,
    PRIMARY KEY (realm, client_id));
CREATE TABLE throttles (
    realm TEXT NOT NULL, key TEXT NOT NULL, failures BIGINT NOT NULL, total BIGINT NOT NULL, since BIGINT NOT NULL, until BIGINT NOT NULL,
    PRIMARY KEY (realm, key));
CREATE INDEX throttles_by_since ON throttles (realm, since);
CREATE TABLE events (
    realm TEXT NOT NULL, id TEXT NOT NULL, kind TEXT NOT NULL, user_id TEXT NOT NULL, actor TEXT NOT NULL, door TEXT NOT NULL,
    at BIGINT NOT NULL, body TEXT NOT NULL, salt TEXT NOT NULL, seq BIGINT NOT NULL, body_hash TEXT NOT NULL, chain TEXT NOT NULL,
    PRIMARY KEY (realm, id));
CREATE INDEX events_by_user ON events (user_id, realm, id);
CREATE INDEX events_by_seq ON events (realm, seq, id);
CREATE TABLE jobs (
    realm TEXT NOT NULL, id TEXT NOT NULL, kind TEXT NOT NULL, key TEXT NOT NULL, user_id TEXT NOT NULL, payload TEXT NOT NULL,
    state TEXT NOT NULL, due BIGINT NOT NULL, attempts BIGINT NOT NULL, holder TEXT NOT NULL, until BIGINT NOT NULL,
    last_err TEXT NOT NULL, created BIGINT NOT NULL,
    PRIMARY KEY (realm, id));
CREATE INDEX jobs_by_due ON jobs (realm, state, due, id);
CREATE INDEX jobs_by_user ON jobs (user_id, realm);
CREATE UNIQUE INDEX jobs_by_key ON jobs (realm, kind, key) WHERE key <> '';
CREATE TABLE messages (
    realm TEXT NOT NULL, id TEXT NOT NULL, channel TEXT NOT NULL, to_address TEXT NOT NULL, subject TEXT NOT NULL, text TEXT NOT NULL,
    html TEXT NOT NULL, sent BIGINT NOT NULL,
    PRIMARY KEY (realm, id));
CREATE INDEX messages_by_sent ON messages (realm, sent, id);
CREATE TABLE signing_keys (
    realm TEXT NOT NULL, kid TEXT NOT NULL, state TEXT NOT NULL, alg TEXT NOT NULL, public_jwk TEXT NOT NULL, wrapped TEXT NOT NULL,
    created BIGINT NOT NULL, activated BIGINT NOT NULL, retires BIGINT NOT NULL,
    PRIMARY KEY (realm, kid));
CREATE TABLE secrets (
    realm TEXT NOT NULL, name TEXT NOT NULL, wrapped TEXT NOT NULL, created BIGINT NOT NULL,
    PRIMARY KEY (realm, name));
CREATE TABLE policies (
    realm TEXT NOT NULL, version BIGINT NOT NULL, document TEXT NOT NULL, by_whom TEXT NOT NULL, applied BIGINT NOT NULL,
    PRIMARY KEY (realm, version));
CREATE TABLE ledger (
    realm TEXT NOT NULL, id TEXT NOT NULL, kind TEXT NOT NULL, user_id TEXT NOT NULL, other_id TEXT NOT NULL, by_whom TEXT NOT NULL,
    reason TEXT NOT NULL, undo TEXT NOT NULL, at BIGINT NOT NULL, undone BIGINT NOT NULL, undone_by TEXT NOT NULL,
    PRIMARY KEY (realm, id));
CREATE INDEX ledger_by_user ON ledger (user_id, realm, id);
CREATE INDEX ledger_by_other ON ledger (other_id, realm, id);
CREATE TABLE leases (
    realm TEXT NOT NULL, name TEXT NOT NULL, holder TEXT NOT NULL, until BIGINT NOT NULL,
    PRIMARY KEY (realm, name));
CREATE TABLE invalidations (
    realm TEXT NOT NULL, seq BIGINT NOT NULL, topic TEXT NOT NULL, key TEXT NOT NULL, at BIGINT NOT NULL,
    PRIMARY KEY (realm, seq));
