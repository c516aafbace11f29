//! Base64 in the alphabet of URLs, as lax as Envoy's.

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// The bytes of a text. Blanks are passed over, padding may be left out but not be wrong, and loose bits at the end are
/// dropped.
pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
    let signs: Vec<u8> = text.bytes().filter(|byte| !matches!(byte, b' ' | 9..=13)).collect();
    let body = signs.iter().position(|byte| *byte == b'=').unwrap_or(signs.len());
    let (body, padding) = signs.split_at(body);
    if padding.iter().any(|byte| *byte != b'=') || body.len() % 4 == 1 {
        return None;
    }
    if !padding.is_empty() && (padding.len() > 2 || !signs.len().is_multiple_of(4)) {
        return None;
    }
    let mut out = Vec::with_capacity(body.len() * 3 / 4);
    for group in body.chunks(4) {
        let mut bits = 0_u32;
        for sign in group {
            bits = bits << 6 | value(*sign)?;
        }
        bits <<= 6 * (4 - group.len());
        let [_, bytes @ ..] = bits.to_be_bytes();
        out.extend(bytes.iter().take(group.len() * 6 / 8));
    }
    Some(out)
}

fn value(sign: u8) -> Option<u32> {
    let value = match sign {
        b'A'..=b'Z' => sign - b'A',
        b'a'..=b'z' => sign - b'a' + 26,
        b'0'..=b'9' => sign - b'0' + 52,
        b'-' => 62,
        b'_' => 63,
        _ => return None,
    };
    Some(u32::from(value))
}

/// The text of some bytes, without padding.
pub(super) fn encode(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() * 4 / 3 + 3);
    for group in bytes.chunks(3) {
        let mut bits = 0_u32;
        for at in 0..3 {
            bits = bits << 8 | u32::from(group.get(at).copied().unwrap_or(0));
        }
        for at in 0..=group.len() {
            let index = usize::try_from(bits >> (18 - 6 * at) & 63).unwrap_or(0);
            out.extend(ALPHABET.get(index).map(|byte| char::from(*byte)));
        }
    }
    out
}
