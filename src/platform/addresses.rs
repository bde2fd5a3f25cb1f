//! Which addresses are those of the public internet, and which lead back into somebody's own network.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::config::Network;

/// Where a client of other servers may connect to.
#[derive(Debug, Clone)]
pub enum Reach {
    /// Anywhere: for servers that the operator named.
    Anywhere,
    /// Public addresses, and those of these networks: for servers that somebody else named.
    Public(Vec<Network>),
}

impl Reach {
    /// Whether `address` may be connected to.
    #[must_use]
    pub fn allows(&self, address: IpAddr) -> bool {
        match self {
            Self::Anywhere => true,
            Self::Public(besides) => is_public(address) || besides.iter().any(|network| network.contains(address)),
        }
    }
}

/// Whether `address` is one of a single host that the whole internet can reach, after the registries of IANA for special
/// purposes (RFC 6890). An address of IPv6 that stands for one of IPv4 is what that is.
#[must_use]
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let is_special = match address.octets() {
        // this network, private, loopback; multicast, reserved, broadcast
        [0 | 10 | 127 | 224..=255, ..] => true,
        // carriers' networks behind NAT (RFC 6598), link-local, private, benchmarks
        [100, second, ..] => (64..=127).contains(&second),
        [169, second, ..] => second == 254,
        [172, second, ..] => (16..=31).contains(&second),
        // private, protocols, documentation, relays of 6to4
        [192, second, third, _] => second == 168 || matches!((second, third), (0, 0 | 2) | (88, 99)),
        [198, second, third, _] => matches!((second, third), (18 | 19, _) | (51, 100)),
        [203, second, third, _] => (second, third) == (0, 113),
        _ => false,
    };
    !is_special
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let embedded = |high: u16, low: u16| Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    match address.segments() {
        // mapped addresses, and those of the well-known prefix of NAT64 (RFC 6052)
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => is_public_v4(embedded(high, low)),
        // protocols, Teredo among them; documentation; 6to4; the black hole of AS112
        [0x2001, 0..=0x01ff | 0x0db8, ..] | [0x2002, ..] | [0x3fff, 0..=0x0fff, ..] | [0x2620, 0x4f, 0x8000, ..] => false,
        // of all the rest, what is given out as global unicast
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_the_public_internet_are_public() {
        for address in [
            "1.1.1.1",
            "100.63.255.255",
            "100.128.0.0",
            "172.15.0.1",
            "172.32.0.1",
            "192.0.1.1",
            "198.17.0.1",
            "223.255.255.255",
            "2606:4700:4700::1111",
            "2001:200::1",
            "::ffff:8.8.8.8",
            "64:ff9b::808:808",
        ] {
            assert!(is_public(address.parse().unwrap()), "{address}");
        }
    }

    #[test]
    fn whatever_leads_back_into_a_network_is_not() {
        for address in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.255.255",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.1",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.0.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "239.1.2.3",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            // stands for 127.0.0.1, 10.0.0.1, 169.254.169.254: mapped, compatible, 6to4, NAT64 of either prefix, Teredo, ISATAP
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::127.0.0.1",
            "2002:7f00:1::",
            "2002:a9fe:a9fe::1",
            "64:ff9b::7f00:1",
            "64:ff9b::a9fe:a9fe",
            "64:ff9b:1::7f00:1",
            "2001:0:7f00:1::",
            "fe80::5efe:7f00:1",
            "::ffff:0:127.0.0.1",
            "fc00::1",
            "fd12:3456::1",
            "fe80::1",
            "febf::1",
            "fec0::1",
            "ff02::1",
            "100::1",
            "2001:db8::1",
            "3fff::1",
            "5f00::1",
            "2620:4f:8000::1",
        ] {
            assert!(!is_public(address.parse().unwrap()), "{address}");
        }
    }

    #[test]
    fn networks_may_be_allowed_besides() {
        let reach = Reach::Public(vec!["127.0.0.0/8".parse().unwrap()]);
        assert!(reach.allows("127.0.0.1".parse().unwrap()) && reach.allows("::ffff:127.0.0.1".parse().unwrap()));
        assert!(!reach.allows("10.0.0.1".parse().unwrap()) && Reach::Anywhere.allows("10.0.0.1".parse().unwrap()));
    }
}
