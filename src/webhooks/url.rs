//! Addresses that webhooks may go to, as far as they can be judged by how they are written. Where a name leads is judged
//! when it is connected to.

use std::net::IpAddr;

use domain::error::Rejection;
use domain::input;
use hyper::Uri;

use crate::config::Webhooks;
use crate::platform::addresses::Reach;

/// Where webhooks may go.
#[must_use]
pub fn reach(config: &Webhooks) -> Reach {
    Reach::Public(config.networks.clone())
}

/// Checks an endpoint's address.
///
/// # Errors
/// A [`Rejection`] at `url`.
pub fn check(config: &Webhooks, url: &str) -> Result<String, Rejection> {
    let url = input::line("url", url, 1, 2_048)?;
    let no = |message: &str| Err(Rejection::invalid("url", message));
    let uri = match url.parse::<Uri>() {
        Ok(uri) if url.bytes().all(|byte| byte.is_ascii_graphic()) => uri,
        _ => return no("Must be an address such as https://example.com/webhooks."),
    };
    match uri.scheme_str() {
        Some("https") => {}
        Some("http") if config.is_http_allowed => {}
        _ if config.is_http_allowed => return no("Must begin with https:// or http://."),
        _ => return no("Must begin with https://."),
    }
    let Some(authority) = uri.authority().filter(|authority| !authority.host().is_empty()) else {
        return no("Must name a server.");
    };
    if authority.as_str().contains('@') {
        return no("Must not have a user name or password in it.");
    }
    if url.contains('#') {
        return no("Must not have a fragment.");
    }
    // below it lives what is no web server
    let has_port = authority.as_str().len() > authority.host().len();
    match authority.port_u16() {
        Some(80 | 443 | 1_024..) => {}
        None if !has_port => {}
        _ => return no("The port must be 80, 443, or one from 1024 on."),
    }
    let host = authority.host();
    let literal = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host).parse::<IpAddr>();
    if literal.is_ok_and(|address| !reach(config).allows(address)) {
        return no("Must be a public address.");
    }
    Ok(url)
}

/// Which server `url` leads to, and no more of it: receivers keep keys in the path and behind the `?`.
#[must_use]
pub fn server(url: &str) -> String {
    let uri = url.parse::<Uri>().unwrap_or_default();
    format!("{}://{}", uri.scheme_str().unwrap_or("https"), uri.authority().map_or("", |authority| authority.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    #[test]
    fn of_an_address_nothing_but_the_server_is_shown() {
        assert_eq!(server("https://hooks.example:8443/T0/B0/hunter2?key=hunter3"), "https://hooks.example:8443");
        assert_eq!(server("http://[::1]/hunter2"), "http://[::1]");
        assert_eq!(server("hunter2 hunter3"), "https://");
    }

    #[test]
    fn public_addresses_over_tls_are_taken() {
        let config = Config::defaults().unwrap().webhooks;
        for url in
            ["https://example.com", "https://example.com:8443/a?b=c", "https://8.8.8.8/x", " https://[2606:4700::1]/ "]
        {
            assert_eq!(check(&config, url), Ok(url.trim().to_owned()));
        }
    }

    #[test]
    fn everything_else_is_refused() {
        let config = Config::defaults().unwrap().webhooks;
        for url in [
            "",
            "example.com",
            "/path",
            "http://example.com",
            "ftp://example.com",
            "https://",
            "https:///x",
            "https://a b/",
            "https://user:password@example.com",
            "https://user@example.com",
            "https://@example.com",
            "https://example.com/#x",
            "https://example.com:22/",
            "https://example.com:0/",
            "https://example.com:99999/",
            "https://example.com:/",
            "https://127.0.0.1/",
            "https://10.1.2.3:8443/",
            "https://[::1]/",
            "https://[::ffff:169.254.169.254]/",
            "https://exämple.com/",
            "javascript:alert(1)",
            "https://example.com/\u{0}",
        ] {
            let refusal = check(&config, url).expect_err(url);
            assert_eq!(refusal.field, ["url"], "{url}");
        }
        assert!(check(&config, &format!("https://example.com/{}", "a".repeat(2_048))).is_err());
    }

    #[test]
    fn more_may_be_allowed() {
        let mut config = Config::defaults().unwrap().webhooks;
        config.is_http_allowed = true;
        config.networks = vec!["127.0.0.0/8".parse().unwrap()];
        assert!(check(&config, "http://127.0.0.1:8000/").is_ok());
        assert!(check(&config, "http://10.0.0.1:8000/").is_err());
    }
}
