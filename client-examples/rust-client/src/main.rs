//! A store's packer: `cargo run -- [http://127.0.0.1:8080]`, with `EMAIL` and `PASSWORD` of a seller.

use std::env::{args, var};
use std::process::ExitCode;
use std::sync::Arc;

use cynic::QueryBuilder as _;
use quick_commerce_packer::api::{Desk, LoginInput};
use quick_commerce_packer::{Error, Note, Packer, Shop};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match pack().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn pack() -> Result<(), Error> {
    let url = args().nth(1).unwrap_or_else(|| "http://127.0.0.1:8080".to_owned());
    let [email, password] = ["EMAIL", "PASSWORD"].map(|name| var(name).ok().filter(|value| !value.is_empty()));
    let is_named = email.is_some() && password.is_some();
    let login = LoginInput {
        email: email.unwrap_or_else(|| "seller@demo.test".to_owned()),
        password: password.unwrap_or_else(|| "quick-commerce".to_owned()),
    };
    let shop = Arc::new(Shop::new(&url, login)?);
    if !is_named && !shop.is_on_this_machine() {
        return Err(Error::NoAccount(url));
    }

    let desk = shop.send(Desk::build(())).await?.seller;
    println!("{}", desk.seller.store_name);
    for product in desk.low_stock.nodes {
        println!("  {} left of {}", product.available, product.name);
    }
    Packer::new(shop).run(|note| println!("{}", told(&note))).await
}

fn told(note: &Note) -> String {
    match note {
        Note::Found(order) | Note::Changed(order) => {
            let items = order.items.iter().map(|item| format!("{} × {}", item.quantity, item.name));
            let items: Vec<_> = items.collect();
            format!("{} v{} {:?}: {}", order.number, order.version, order.status, items.join(", "))
        }
        Note::Reset => "changes are missing; here is what there is".to_owned(),
        Note::Refused { order, why } => format!("{}: {why}", order.number),
    }
}
