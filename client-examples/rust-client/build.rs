//! Makes the schema's types known to the compiler.

fn main() {
    cynic_codegen::register_schema("shop")
        .from_sdl_file("../../schema.graphql")
        .expect("schema.graphql is a schema")
        .as_default()
        .expect("the build's folder can be written to");
}
