//! The exported schema is the server's.

use quick_commerce::graphql::{build_schema, sdl};

use crate::support::{Shape, TestParts};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn schema_graphql_is_the_schema_of_the_server() {
    let parts = TestParts::build(Shape::Embedded).await;
    let exported = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/schema.graphql")).unwrap();
    let now = sdl(&build_schema(&parts.app));
    let differs = exported.lines().zip(now.lines()).find(|(exported, now)| exported != now);
    assert_eq!(differs, None, "write it anew: cargo run -- schema > schema.graphql");
    assert_eq!(exported.lines().count(), now.lines().count(), "write it anew: cargo run -- schema > schema.graphql");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_in_the_schema_is_described() {
    let parts = TestParts::build(Shape::Embedded).await;
    let ask = "{ __schema { types { name description
        fields { name description args { name description } }
        inputFields { name description } enumValues { name description } } } }";
    let answer = build_schema(&parts.app).execute(ask).await.data.into_json().unwrap();
    let mut bare = Vec::new();
    for r#type in answer["__schema"]["types"].as_array().unwrap() {
        let name = r#type["name"].as_str().unwrap();
        // what GraphQL itself brings along
        if name.starts_with("__") || ["Boolean", "Float", "ID", "Int", "String"].contains(&name) {
            continue;
        }
        note(&mut bare, name, r#type);
        for member in ["fields", "inputFields", "enumValues"] {
            for field in r#type[member].as_array().into_iter().flatten() {
                let path = format!("{name}.{}", field["name"].as_str().unwrap());
                note(&mut bare, &path, field);
                for arg in field["args"].as_array().into_iter().flatten() {
                    note(&mut bare, &format!("{path}({})", arg["name"].as_str().unwrap()), arg);
                }
            }
        }
    }
    assert_eq!(bare, Vec::<String>::new(), "these have no description");
}

fn note(bare: &mut Vec<String>, path: &str, item: &serde_json::Value) {
    if item["description"].as_str().is_none_or(|text| text.trim().is_empty()) {
        bare.push(path.to_owned());
    }
}
