//! Who sent it: signatures and tokens, compared in constant time.

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::{Headers, Kind};
use crate::base::{base64, secret::Secret};

/// Why a request is not believed, in a sentence that gives nothing away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forged(pub String);

/// Checks that whoever sent this knows the source's secret.
pub fn prove(kind: Kind, secret: &Secret, headers: &Headers, body: &[u8]) -> Result<(), Forged> {
    match kind {
        Kind::GitHub => signed(secret, headers, "x-hub-signature-256", body),
        Kind::Deploywatch if headers.get("x-deploywatch-signature").is_some() => {
            signed(secret, headers, "x-deploywatch-signature", body)
        }
        // `generic-hmac` signs, `generic` sends a header.
        Kind::Flux if headers.get("x-signature").is_some() => {
            signed(secret, headers, "x-signature", body)
        }
        Kind::GitLab => match headers.get("x-gitlab-token") {
            Some(token) => same(secret, token),
            None => Err(Forged("the header X-Gitlab-Token is missing".to_owned())),
        },
        Kind::PagerDuty => {
            let key = serde_json::from_slice::<serde_json::Value>(body)
                .ok()
                .and_then(|body| Some(body.get("routing_key")?.as_str()?.to_owned()));
            match key {
                Some(key) => same(secret, &key),
                None => token(secret, headers, "`routing_key` is missing"),
            }
        }
        _ => token(
            secret,
            headers,
            "a token is needed: `Authorization: Bearer TOKEN`, the password of `Authorization: Basic`, or \
             `X-Deploywatch-Token: TOKEN`",
        ),
    }
}

/// Whether the body itself is signed: only then is a second request with the same body worth a suspicion.
pub fn is_signed(kind: Kind, headers: &Headers) -> bool {
    match kind {
        Kind::GitHub => true,
        Kind::Flux => headers.get("x-signature").is_some(),
        Kind::Deploywatch => headers.get("x-deploywatch-signature").is_some(),
        _ => false,
    }
}

/// `sha256=` and the HMAC-SHA-256 of the raw body in hex.
fn signed(secret: &Secret, headers: &Headers, name: &str, body: &[u8]) -> Result<(), Forged> {
    let wrong = || {
        Forged(format!(
            "the signature in {name} does not fit the body and this source's secret"
        ))
    };
    let sent = headers
        .get(name)
        .ok_or_else(|| Forged(format!("the header {name} is missing")))?;
    let sent = sent
        .strip_prefix("sha256=")
        .and_then(hex)
        .ok_or_else(wrong)?;
    let mut mac =
        Hmac::<Sha256>::new_from_slice(secret.expose().as_bytes()).map_err(|_| wrong())?;
    mac.update(body);
    // In constant time, and of the whole length only.
    mac.verify_slice(&sent).map_err(|_| wrong())
}

fn hex(text: &str) -> Option<Vec<u8>> {
    if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    (0..32)
        .map(|at| u8::from_str_radix(text.get(2 * at..2 * at + 2)?, 16).ok())
        .collect()
}

fn token(secret: &Secret, headers: &Headers, missing: &str) -> Result<(), Forged> {
    if let Some(token) = headers.get("x-deploywatch-token") {
        return same(secret, token);
    }
    match headers
        .get("authorization")
        .and_then(|text| text.split_once(' '))
    {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => {
            same(secret, token.trim())
        }
        Some((scheme, pair)) if scheme.eq_ignore_ascii_case("basic") => {
            let pair = base64::decode(pair.trim()).and_then(|bytes| String::from_utf8(bytes).ok());
            let password = pair.as_deref().and_then(|pair| pair.split_once(':'));
            same(secret, password.map_or("", |(_, password)| password))
        }
        _ => Err(Forged(missing.to_owned())),
    }
}

/// Of the hashes: how long a secret is shows no more than what it is.
fn same(secret: &Secret, token: &str) -> Result<(), Forged> {
    let wanted: [u8; 32] = Sha256::digest(secret.expose()).into();
    let given: [u8; 32] = Sha256::digest(token).into();
    if bool::from(wanted.ct_eq(&given)) {
        Ok(())
    } else {
        Err(Forged("the token is not this source's".to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(kind: Kind, header: (&str, &str), body: &[u8]) -> Result<(), Forged> {
        let headers: Headers = [header].into_iter().collect();
        prove(kind, &Secret::new("s3cret"), &headers, body)
    }

    #[test]
    fn a_signature_is_of_this_body_whole_and_of_this_secret() {
        // echo -n '{"zen":1}' | openssl dgst -sha256 -hmac s3cret
        let mut mac = Hmac::<Sha256>::new_from_slice(b"s3cret").expect("a key");
        mac.update(b"{\"zen\":1}");
        let hex: String = mac
            .finalize()
            .into_bytes()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let good = format!("sha256={hex}");
        let check = |signature: &str, body: &[u8]| {
            given(Kind::GitHub, ("X-Hub-Signature-256", signature), body)
        };
        assert_eq!(check(&good, b"{\"zen\":1}"), Ok(()));
        assert_eq!(
            check(&good.to_uppercase().replace("SHA", "sha"), b"{\"zen\":1}"),
            Ok(())
        );
        assert!(check(&good, b"{\"zen\":2}").is_err());
        assert!(check(&good[..good.len() - 2], b"{\"zen\":1}").is_err());
        assert!(check("sha256=", b"{\"zen\":1}").is_err());
        assert!(check(&good.replace("sha256", "sha1"), b"{\"zen\":1}").is_err());
        assert!(given(Kind::GitHub, ("x", "y"), b"{\"zen\":1}").is_err());
        let other = prove(
            Kind::GitHub,
            &Secret::new("other"),
            &[("x-hub-signature-256", good.as_str())]
                .into_iter()
                .collect(),
            b"{\"zen\":1}",
        );
        assert!(other.is_err());
    }

    #[test]
    fn tokens_come_in_the_headers_that_tools_can_send() {
        for header in [
            ("Authorization", "Bearer s3cret"),
            ("authorization", "bearer  s3cret"),
            ("X-Deploywatch-Token", "s3cret"),
            ("Authorization", "Basic amVua2luczpzM2NyZXQ="),
        ] {
            assert_eq!(given(Kind::Jenkins, header, b""), Ok(()), "{header:?}");
        }
        for header in [
            ("Authorization", "Bearer s3cre"),
            ("Authorization", "Bearer "),
            ("Authorization", "Basic amVua2luczp4"),
            ("Authorization", "Basic !"),
            ("Authorization", "s3cret"),
            ("X-Gitlab-Token", "s3cret"),
        ] {
            assert!(given(Kind::Jenkins, header, b"").is_err(), "{header:?}");
        }
        assert_eq!(
            given(Kind::GitLab, ("X-Gitlab-Token", "s3cret"), b""),
            Ok(())
        );
        let event = br#"{"routing_key":"s3cret"}"#;
        assert_eq!(given(Kind::PagerDuty, ("x", "y"), event), Ok(()));
        assert!(given(Kind::PagerDuty, ("x", "y"), b"{}").is_err());
    }
}
