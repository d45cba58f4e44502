-- +goose Up
CREATE TABLE search_terms (
    realm TEXT NOT NULL, kind TEXT NOT NULL, term TEXT NOT NULL, id TEXT NOT NULL,
    PRIMARY KEY (realm, kind, term, id));
CREATE INDEX search_terms_by_id ON search_terms (id, realm, kind, term);
CREATE TABLE search_progress (
    realm TEXT NOT NULL, seq BIGINT NOT NULL,
    PRIMARY KEY (realm));
