use super::*;

pub(super) fn load(pairs: &[(&str, &str)]) -> Result<Config, ConfigError> {
    Config::load(None, |name| pairs.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned()))
}

#[test]
fn the_defaults_are_embedded_with_demo_data() {
    let config = Config::defaults().unwrap();
    assert!(config.is_embedded() && config.is_demo);
    assert_eq!(config.prices.tax_basis_points, 500);
    assert_eq!(config.prices.delivery_fee_minor, 2500);
}

#[test]
fn every_mistake_is_named_at_once_and_no_secret_is_repeated() {
    let error = load(&[
        ("LISTEN_ADDR", "nowhere"),
        ("DATABASE_URL", "mysql://u:hunter2@h/db"),
        ("JWT_SECRET", "short-secret"),
        ("TAX_PERCENT", "5.001"),
        ("CURRENCY", "XXX"),
        ("DEMO", "maybe"),
        ("LOG", "info,=x=y"),
        ("CORS_ORIGINS", "https://shop.example, shop.example/path"),
        ("TRUSTED_PROXIES", "10.0.0.0/8, proxy.example"),
    ])
    .unwrap_err();
    let text = error.to_string();
    let named = ["LISTEN_ADDR", "DATABASE_URL", "JWT_SECRET", "TAX_PERCENT", "CURRENCY", "DEMO", "LOG"];
    for name in named.into_iter().chain(["CORS_ORIGINS", "TRUSTED_PROXIES"]) {
        assert!(error.0.iter().any(|line| line.starts_with(name)), "{name} in {text}");
    }
    assert!(!text.contains("hunter2") && !text.contains("short-secret"), "{text}");
}

#[test]
fn secrets_are_hidden_in_the_text_of_others() {
    let url = Secret::new("postgres://qc:hunter2@db:5432/qc".to_owned());
    let text = url.hide_in("cannot open postgres://qc:hunter2@db:5432/qc: hunter2 is wrong for qc");
    assert_eq!(text, "cannot open …: … is wrong for qc");
    for plain in ["postgres://db/qc", "sqlite://data/qc.db", "postgres://qc@db/qc", ""] {
        assert_eq!(Secret::new(plain.to_owned()).hide_in("unchanged"), "unchanged");
    }
}

#[test]
fn production_needs_a_secret_and_has_no_demo_data() {
    assert!(load(&[("DATABASE_URL", "postgres://localhost/qc")]).is_err());
    let config =
        load(&[("DATABASE_URL", "postgres://localhost/qc"), ("JWT_SECRET", "0123456789abcdef0123456789abcdef")]).unwrap();
    assert!(!config.is_demo && !config.is_embedded());
    assert!(!format!("{config:?}").contains("0123456789abcdef"));
}

#[test]
fn unknown_keys_of_the_file_are_errors() {
    let path = std::env::temp_dir().join(format!("qc-config-{}.toml", std::process::id()));
    std::fs::write(&path, "listen_addr = \"127.0.0.1:9\"\nlisten_adr = \"x\"\nmax_depth = 9\n").unwrap();
    let error = Config::load(Some(&path), |_| None).unwrap_err();
    std::fs::remove_file(&path).unwrap();
    assert_eq!(error.0, ["listen_adr: there is no such setting"]);
}
