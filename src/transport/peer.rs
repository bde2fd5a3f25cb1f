//! Where a request comes from.
//!
//! A proxy says in `X-Forwarded-For` for whom it speaks, and so can anybody: it is believed of proxies that the operator
//! trusts, and from the right, where they wrote. What stands left of that, the client may have written itself. No other header
//! is read (`Forwarded`, `X-Real-IP`, those of one vendor): most proxies pass on those that they do not write, and one word
//! that can be forged is as bad as all.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use axum::extract::ConnectInfo;
use axum::extract::connect_info::Connected;
use axum::http::{Extensions, HeaderMap};
use axum::serve::IncomingStream;

use super::Listener;
use crate::config::Config;

/// The header in which proxies say for whom they speak: addresses, each added on the right by the one who heard from it.
const FORWARDED_FOR: &str = "x-forwarded-for";

/// Whoever is at the other end of the connection; among the extensions of each request, in a [`ConnectInfo`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer(pub SocketAddr);

impl Connected<IncomingStream<'_, Listener>> for Peer {
    fn connect_info(stream: IncomingStream<'_, Listener>) -> Self {
        Self(*stream.remote_addr())
    }
}

/// Whoever is at the other end of the connection. Unspecified (`0.0.0.0`) for a request that came over none.
fn nearest(extensions: &Extensions) -> IpAddr {
    extensions.get::<ConnectInfo<Peer>>().map_or(Ipv4Addr::UNSPECIFIED.into(), |peer| peer.0.0.ip()).to_canonical()
}

fn trusts(config: &Config, address: IpAddr) -> bool {
    config.trusted_proxies.iter().any(|network| network.contains(address))
}

/// Whether whoever is at the other end of the connection is a proxy that the operator trusts.
pub(super) fn is_trusted(extensions: &Extensions, config: &Config) -> bool {
    extensions.get::<ConnectInfo<Peer>>().is_some() && trusts(config, nearest(extensions))
}

/// The address that a request comes from: the peer's, or, if that is a trusted proxy, the last one forwarded that is none.
/// IPv4 in its own form. Unspecified (`0.0.0.0`) for a request that came over no connection.
pub(super) fn address(extensions: &Extensions, headers: &HeaderMap, config: &Config) -> IpAddr {
    let mut nearest = nearest(extensions);
    let lines = headers.get_all(FORWARDED_FOR).into_iter();
    let mut forwarded = lines.rev().flat_map(|line| line.as_bytes().rsplit(|byte| *byte == b',')).map(<[u8]>::trim_ascii);
    while trusts(config, nearest) {
        let Some(text) = forwarded.find(|text| !text.is_empty()) else { break };
        // what a trusted proxy could not name is behind it all the same
        let Some(address) = read(text) else { break };
        nearest = address;
    }
    nearest
}

/// An address, as proxies write it: with or without a port, IPv6 with or without brackets.
fn read(text: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(text).ok()?;
    let bracketed = || text.strip_prefix('[')?.strip_suffix(']')?.parse::<Ipv6Addr>().ok().map(IpAddr::from);
    let address = text.parse::<IpAddr>().ok().or_else(|| Some(text.parse::<SocketAddr>().ok()?.ip())).or_else(bracketed)?;
    Some(address.to_canonical())
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    /// The address of a request from `peer` with these lines, where `10.0.0.0/8`, `fd00::/8` and `192.0.2.1` are trusted.
    fn of(peer: &str, lines: &[&[u8]]) -> String {
        let mut config = Config::defaults().unwrap();
        config.trusted_proxies = ["10.0.0.0/8", "fd00::/8", "192.0.2.1"].map(|network| network.parse().unwrap()).into();
        let mut extensions = Extensions::new();
        extensions.insert(ConnectInfo(Peer(SocketAddr::new(peer.parse().unwrap(), 4711))));
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(FORWARDED_FOR, HeaderValue::from_bytes(line).unwrap());
        }
        address(&extensions, &headers, &config).to_string()
    }

    #[test]
    fn nobody_is_believed_whom_the_operator_does_not_trust() {
        assert_eq!(of("203.0.113.9", &[]), "203.0.113.9");
        assert_eq!(of("203.0.113.9", &[b"198.51.100.7"]), "203.0.113.9");
        assert_eq!(of("203.0.113.9", &[b"10.0.0.1, 198.51.100.7"]), "203.0.113.9");
        assert_eq!(of("2001:db8::9", &[b"198.51.100.7"]), "2001:db8::9");
        let config = Config::defaults().unwrap();
        let headers = HeaderMap::from_iter([(FORWARDED_FOR.parse().unwrap(), HeaderValue::from_static("198.51.100.7"))]);
        assert_eq!(address(&Extensions::new(), &headers, &config), Ipv4Addr::UNSPECIFIED);
    }

    #[test]
    fn of_a_trusted_proxy_the_last_address_that_is_not_trusted_counts() {
        assert_eq!(of("10.0.0.1", &[]), "10.0.0.1", "the proxy itself asks");
        assert_eq!(of("10.0.0.1", &[b"198.51.100.7"]), "198.51.100.7");
        assert_eq!(of("10.0.0.1", &[b"203.0.113.66, 198.51.100.7"]), "198.51.100.7", "the client wrote the first itself");
        assert_eq!(of("10.0.0.1", &[b"203.0.113.66, 10.9.9.9, 198.51.100.7, 192.0.2.1 ,10.0.0.2"]), "198.51.100.7");
        assert_eq!(of("10.0.0.1", &[b"10.0.0.3, 10.0.0.2"]), "10.0.0.3", "whoever is furthest, when all are trusted");
        assert_eq!(of("fd00::1", &[b"2001:db8::7"]), "2001:db8::7");
    }

    #[test]
    fn no_other_header_says_anything() {
        let mut config = Config::defaults().unwrap();
        config.trusted_proxies = vec!["10.0.0.0/8".parse().unwrap()];
        let mut extensions = Extensions::new();
        extensions.insert(ConnectInfo(Peer(SocketAddr::new([10, 0, 0, 1].into(), 4711))));
        for (name, value) in [
            ("x-real-ip", "198.51.100.7"),
            ("forwarded", "for=198.51.100.7"),
            ("true-client-ip", "198.51.100.7"),
            ("cf-connecting-ip", "198.51.100.7"),
            ("x-client-ip", "198.51.100.7"),
        ] {
            let headers = HeaderMap::from_iter([(name.parse().unwrap(), HeaderValue::from_static(value))]);
            assert_eq!(address(&extensions, &headers, &config).to_string(), "10.0.0.1", "{name}");
        }
    }

    #[test]
    fn several_lines_are_one_list() {
        assert_eq!(of("10.0.0.1", &[b"203.0.113.66", b"198.51.100.7"]), "198.51.100.7");
        assert_eq!(of("10.0.0.1", &[b"203.0.113.66, 198.51.100.7", b"10.0.0.3", b"10.0.0.2"]), "198.51.100.7");
    }

    #[test]
    fn addresses_come_in_many_forms() {
        for (text, expected) in [
            ("198.51.100.7:61234", "198.51.100.7"),
            ("[2001:db8::7]:61234", "2001:db8::7"),
            ("[2001:db8::7]", "2001:db8::7"),
            ("2001:DB8:0::7", "2001:db8::7"),
            ("::ffff:198.51.100.7", "198.51.100.7"),
            ("::ffff:10.0.0.2", "10.0.0.2"),
        ] {
            assert_eq!(of("10.0.0.1", &[text.as_bytes()]), expected, "{text}");
        }
        assert_eq!(of("::ffff:10.0.0.1", &[b"198.51.100.7"]), "198.51.100.7");
        assert_eq!(of("::ffff:203.0.113.9", &[b"198.51.100.7"]), "203.0.113.9");
    }

    #[test]
    fn garbage_ends_the_trail_at_the_proxy_that_passed_it_on() {
        let garbage: [&[u8]; 8] =
            [b"unknown", b"_hidden", b"localhost", b"1.2.3", b"1.2.3.4.5", b"\xff\xfe", b"[::1", b"fe80::1%eth0"];
        for text in garbage {
            assert_eq!(of("10.0.0.1", &[b"198.51.100.7", text, b"10.0.0.2"]), "10.0.0.2", "{text:?}");
        }
        assert_eq!(of("10.0.0.1", &[b"", b" , ,", b"198.51.100.7,,"]), "198.51.100.7", "nothing between commas is nothing");
    }
}
