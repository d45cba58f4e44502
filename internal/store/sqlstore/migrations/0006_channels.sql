-- +goose Up
CREATE TABLE channel_profiles (
    realm TEXT NOT NULL, strand_id TEXT NOT NULL, channel TEXT NOT NULL, user_id TEXT NOT NULL,
    type TEXT NOT NULL, asked TEXT NOT NULL, asked_at BIGINT NOT NULL, link_pending BIGINT NOT NULL,
    verdict TEXT NOT NULL, reason TEXT NOT NULL, decided BIGINT NOT NULL, decided_by TEXT NOT NULL,
    made BIGINT NOT NULL, created BIGINT NOT NULL, updated BIGINT NOT NULL,
    PRIMARY KEY (realm, strand_id, channel));
CREATE INDEX channel_profiles_by_user ON channel_profiles (user_id, realm);
CREATE INDEX channel_profiles_asked ON channel_profiles (realm, channel, asked_at) WHERE asked <> '';
CREATE TABLE cursors (
    realm TEXT NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL, at BIGINT NOT NULL,
    PRIMARY KEY (realm, name));
