//! Full-text search over products, and an index for each order in which a part of the catalogue is listed.
//!
//! Both databases index the same terms, which the server has made of a product's texts (`products.search_text`, terms
//! between single spaces and a space before the first), so that they find the same. They lie in tables of their own, kept by
//! triggers: what is sold changes a product's row, and must not be written to the index of its words each time.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

use crate::columns::run;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const INDEXES: &[(&str, &str)] = &[
    ("products_category_price_idx", "(category_id, price_minor, id)"),
    ("products_category_name_idx", "(category_id, name_key, id)"),
    ("products_category_best_selling_idx", "(category_id, sold_count, id)"),
    ("products_seller_price_idx", "(seller_id, price_minor, id)"),
    ("products_seller_name_idx", "(seller_id, name_key, id)"),
    ("products_seller_best_selling_idx", "(seller_id, sold_count, id)"),
    // counted without a look at the rows
    ("products_category_on_sale_idx", "(category_id) WHERE is_active"),
    // what is yet to be indexed; empty but for the moment after this
    ("products_unindexed_idx", "(id) WHERE substr(search_text, 1, 1) <> ' '"),
];

const POSTGRES: &[&str] = &[
    "CREATE TABLE product_words (
        product_id uuid PRIMARY KEY REFERENCES products (id) ON DELETE CASCADE,
        name_key text COLLATE \"C\" NOT NULL,
        words tsvector NOT NULL
    )",
    "CREATE INDEX product_words_words_idx ON product_words USING gin (words)",
    "CREATE INDEX product_words_name_idx ON product_words USING gin (name_key gin_trgm_ops)",
    // not by a text search parser: the terms are words already, and a parser would take some apart
    "CREATE FUNCTION product_words_keep() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF NEW.search_text NOT LIKE ' %' THEN
            RETURN NULL; -- written by a server of before: not indexed yet
        END IF;
        INSERT INTO product_words (product_id, name_key, words)
        VALUES (NEW.id, NEW.name_key, array_to_tsvector(string_to_array(substr(NEW.search_text, 2), ' ')))
        ON CONFLICT (product_id) DO UPDATE SET name_key = excluded.name_key, words = excluded.words;
        RETURN NULL;
    END $$",
    "CREATE TRIGGER product_words_insert AFTER INSERT ON products FOR EACH ROW EXECUTE FUNCTION product_words_keep()",
    "CREATE TRIGGER product_words_update AFTER UPDATE OF name_key, search_text ON products FOR EACH ROW
    WHEN (OLD.search_text IS DISTINCT FROM NEW.search_text OR OLD.name_key IS DISTINCT FROM NEW.name_key)
    EXECUTE FUNCTION product_words_keep()",
];

const SQLITE: &[&str] = &[
    // a number for each product, since FTS5 knows rows by number, and VACUUM may change those that are not declared
    "CREATE TABLE product_words (
        no INTEGER PRIMARY KEY,
        product_id uuid_text NOT NULL UNIQUE REFERENCES products (id) ON DELETE CASCADE
    )",
    // `ascii` parts words at the spaces and changes nothing: the terms are folded already
    "CREATE VIRTUAL TABLE product_fts USING fts5
    (words, content = '', contentless_delete = 1, detail = none, prefix = '2 3 4', tokenize = 'ascii')",
    "CREATE TRIGGER product_words_insert AFTER INSERT ON products
    BEGIN
        INSERT INTO product_words (product_id) VALUES (new.id);
        INSERT INTO product_fts (rowid, words) SELECT no, new.search_text FROM product_words WHERE product_id = new.id;
    END",
    "CREATE TRIGGER product_words_update AFTER UPDATE OF search_text ON products
    WHEN old.search_text IS NOT new.search_text
    BEGIN
        INSERT INTO product_words (product_id) VALUES (new.id) ON CONFLICT DO NOTHING;
        DELETE FROM product_fts WHERE rowid = (SELECT no FROM product_words WHERE product_id = new.id);
        INSERT INTO product_fts (rowid, words) SELECT no, new.search_text FROM product_words WHERE product_id = new.id;
    END",
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // every product is to be indexed anew: the server does that when it is done with migrating
        run(manager, &["UPDATE products SET search_text = ''"]).await?;
        if manager.get_database_backend() == DbBackend::Postgres {
            run(manager, &["CREATE EXTENSION IF NOT EXISTS pg_trgm"]).await.map_err(|error| {
                DbErr::Custom(format!(
                    "the extension pg_trgm cannot be created; have an administrator of the database install it (it comes with \
                     PostgreSQL's contrib package) and run CREATE EXTENSION pg_trgm once in this database: {error}"
                ))
            })?;
            run(manager, POSTGRES).await?;
        } else {
            run(manager, SQLITE).await?;
        }
        for (name, what) in INDEXES {
            run(manager, &[&format!("CREATE INDEX {name} ON products {what}")]).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (name, _) in INDEXES {
            run(manager, &[&format!("DROP INDEX {name}")]).await?;
        }
        if manager.get_database_backend() == DbBackend::Postgres {
            run(
                manager,
                &[
                    "DROP TRIGGER product_words_insert ON products",
                    "DROP TRIGGER product_words_update ON products",
                    "DROP FUNCTION product_words_keep",
                ],
            )
            .await?;
        } else {
            let statements =
                ["DROP TRIGGER product_words_insert", "DROP TRIGGER product_words_update", "DROP TABLE product_fts"];
            run(manager, &statements).await?;
        }
        run(manager, &["DROP TABLE product_words"]).await
    }
}
