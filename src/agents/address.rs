//! Where a driver may connect to: the host that the project names, and no other.
//!
//! What is looked at is the address that is really connected to, so neither a name that changes
//! its mind nor a number in disguise gets around it.

use std::io;
use std::net::{IpAddr, SocketAddr};
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

/// A place that a project names: scheme, host and port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Origin {
    secure: bool,
    host: String,
    port: u16,
}

impl Origin {
    /// Of a URL; the error is a sentence.
    pub(crate) fn of(url: &Uri) -> Result<Origin, String> {
        let secure = match url.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(format!("`{url}` is no http or https address")),
        };
        let authority = url.authority();
        if authority.is_some_and(|a| a.as_str().contains('@')) {
            return Err(format!(
                "`{}` has a user in it",
                url.host().unwrap_or_default()
            ));
        }
        let host = url.host().filter(|host| !host.is_empty());
        let host = host.ok_or_else(|| format!("`{url}` names no host"))?;
        Ok(Origin {
            secure,
            host: host.trim_end_matches('.').to_ascii_lowercase(),
            port: url.port_u16().unwrap_or(if secure { 443 } else { 80 }),
        })
    }

    /// Where an answer of this origin points to; only within the origin itself.
    pub(crate) fn within(&self, base: &Uri, to: &str) -> Result<Uri, String> {
        let absolute = to.contains("://");
        let target = match absolute {
            true => to.to_string(),
            false => {
                let authority = base.authority().map(|a| a.as_str()).unwrap_or_default();
                let scheme = base.scheme_str().unwrap_or("http");
                // `//host/…` would name another host
                match to.starts_with('/') && !to.starts_with("//") {
                    true => format!("{scheme}://{authority}{to}"),
                    false => return Err(format!("it points to `{to}`, which is no address")),
                }
            }
        };
        let target: Uri = (target.parse()).map_err(|_| format!("it points to `{to}`"))?;
        match Origin::of(&target) {
            Ok(origin) if origin == *self => Ok(target),
            _ => Err(format!(
                "it points to another place, `{to}`; only the host that the project names is asked"
            )),
        }
    }
}

/// Looks names up, and gives no address that the project cannot have meant.
#[derive(Debug, Default)]
pub(crate) struct Guarded(DefaultResolver);

impl Resolver for Guarded {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let found = self.0.resolve(uri, config, timeout)?;
        let written = is_written_as_local(uri.host().unwrap_or_default());
        let mut kept = self.empty();
        let (mut refused, found): (Vec<SocketAddr>, Vec<SocketAddr>) =
            found.iter().partition(|at| is_refused(at.ip(), written));
        found.into_iter().for_each(|at| kept.push(at));
        match refused.pop().filter(|_| kept.is_empty()) {
            None => Ok(kept),
            Some(at) => Err(ureq::Error::Io(io::Error::new(
                io::ErrorKind::PermissionDenied,
                format!("{} is not an address that an agent may be at", at.ip()),
            ))),
        }
    }
}

/// True when the project itself says this machine, or an address.
fn is_written_as_local(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let name = host.trim_end_matches('.').to_ascii_lowercase();
    name == "localhost" || name.ends_with(".localhost") || bare.parse::<IpAddr>().is_ok()
}

/// Never where machines tell about themselves; this machine only when it is written so.
fn is_refused(ip: IpAddr, written: bool) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(v4) => {
            v4.is_link_local()
                || v4.is_unspecified()
                || v4.is_multicast()
                || v4.is_broadcast()
                || v4.octets() == [100, 100, 100, 200]
                || (v4.is_loopback() && !written)
        }
        IpAddr::V6(v6) => {
            v6.is_unicast_link_local()
                || v6.is_unspecified()
                || v6.is_multicast()
                || v6.segments() == [0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254]
                || (v6.is_loopback() && !written)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(url: &str) -> Result<Origin, String> {
        Origin::of(&url.parse().unwrap())
    }

    #[test]
    fn an_answer_points_to_where_it_came_from_or_nowhere() {
        let base: Uri = "https://agent.example:8443/v1".parse().unwrap();
        let here = Origin::of(&base).unwrap();
        for fine in [
            "/jobs/1",
            "https://agent.example:8443/x",
            "https://AGENT.example.:8443/",
        ] {
            assert!(here.within(&base, fine).is_ok(), "{fine}");
        }
        for other in [
            "http://agent.example:8443/x",
            "https://agent.example/x",
            "https://evil.example:8443/x",
            "//evil.example/x",
            "jobs/1",
            "file:///etc/passwd",
            "gopher://agent.example:8443/",
            "https://169.254.169.254/latest",
            "",
        ] {
            assert!(here.within(&base, other).is_err(), "{other}");
        }
    }

    #[test]
    fn only_plain_web_addresses_are_reached() {
        assert!(origin("http://127.0.0.1:8080/a").is_ok());
        assert!(origin("ftp://host/a").is_err());
        assert!(origin("https://user:pass@host/a").is_err());
    }

    #[test]
    fn machines_are_not_asked_about_themselves() {
        let refused = |ip: &str, written| is_refused(ip.parse().unwrap(), written);
        for ip in [
            "169.254.169.254",
            "::ffff:169.254.169.254",
            "fe80::1",
            "fd00:ec2::254",
            "0.0.0.0",
            "::",
            "224.0.0.1",
            "100.100.100.200",
        ] {
            assert!(refused(ip, true), "{ip}");
        }
        assert!(refused("127.0.0.1", false) && !refused("127.0.0.1", true));
        assert!(refused("::ffff:127.0.0.1", false) && refused("::1", false));
        assert!(!refused("10.1.2.3", false) && !refused("93.184.216.34", false));
        assert!(is_written_as_local("localhost") && is_written_as_local("[::1]"));
        assert!(!is_written_as_local("2130706433") && !is_written_as_local("localhost.evil"));
    }
}
