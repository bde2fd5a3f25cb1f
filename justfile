# What one types most: `just` lists it. Nothing here is more than a command's short name.

_default:
    @just --list

# the server with its defaults: SQLite, demo data, http://127.0.0.1:8080
serve *args:
    cargo run -- {{ args }}

# every test; `just test claim` only those with "claim" in their names
test *filter:
    tests/run {{ filter }}

# the quick ones: pure rules, in a second
rules:
    cargo test --package domain

# what a change is held to before it is taken
ci:
    .ci/run

# format, and let clippy fix what it can
tidy:
    cargo fmt --all
    cargo clippy --workspace --all-targets --fix --allow-dirty --allow-staged

# write schema.graphql as the code has it
schema:
    cargo run --quiet -- schema > schema.graphql

# measure a release build, in a quarter of an hour: benches/README.md
load *args:
    cargo build --release --package quick-commerce
    cargo run --release --package load -- run --server target/release/quick-commerce {{ args }}

# the documentation of the code, in a browser
doc:
    cargo doc --no-deps --workspace --open
