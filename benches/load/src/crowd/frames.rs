//! WebSocket frames (RFC 6455), as a client needs them that reads much and says little: no buffer, no copy.

/// A frame's kind.
pub(super) const TEXT: u8 = 0x1;
/// The end.
pub(super) const CLOSE: u8 = 0x8;
/// To be answered.
pub(super) const PING: u8 = 0x9;
/// The answer.
pub(super) const PONG: u8 = 0xA;

/// A frame from the server.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Frame<'a> {
    /// Its kind; of a message in parts, only the first has the message's.
    pub(super) opcode: u8,
    /// What it says.
    pub(super) payload: &'a [u8],
    /// Bytes of the whole.
    pub(super) size: usize,
}

/// The first frame of `bytes`; `None` while it is not whole.
pub(super) fn first(bytes: &[u8]) -> Option<Frame<'_>> {
    let (&[head, short], rest) = bytes.split_first_chunk::<2>()?;
    // servers do not mask, so what follows is a length of no, two or eight bytes more
    let (length, rest) = match short {
        126 => {
            let (length, rest) = rest.split_first_chunk()?;
            (usize::from(u16::from_be_bytes(*length)), rest)
        }
        127 => {
            let (length, rest) = rest.split_first_chunk()?;
            (usize::try_from(u64::from_be_bytes(*length)).ok()?, rest)
        }
        _ => (usize::from(short), rest),
    };
    let payload = rest.get(..length)?;
    Some(Frame { opcode: head & 0x0F, payload, size: bytes.len() - rest.len() + length })
}

/// A client's frame. The mask is nothing: it is there against caches between the two, and there are none.
pub(super) fn encode(opcode: u8, payload: &[u8]) -> Vec<u8> {
    const FINAL: u8 = 0x80;
    const MASKED: u8 = 0x80;
    let mut frame = vec![FINAL | opcode];
    match (u8::try_from(payload.len()), u16::try_from(payload.len())) {
        (Ok(length @ ..126), _) => frame.push(MASKED | length),
        (_, Ok(length)) => {
            frame.push(MASKED | 0x7E);
            frame.extend(length.to_be_bytes());
        }
        _ => {
            frame.push(MASKED | 0x7F);
            frame.extend((payload.len() as u64).to_be_bytes());
        }
    }
    frame.extend([0; 4]);
    frame.extend(payload);
    frame
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As a server would send it.
    fn unmasked(opcode: u8, payload: &[u8]) -> Vec<u8> {
        let mut frame = encode(opcode, payload);
        frame[1] &= 0x7F;
        let mask = frame.len() - payload.len() - 4;
        frame.drain(mask..mask + 4);
        frame
    }

    #[test]
    fn frames_of_every_length_are_found_one_after_the_other() {
        for length in [0, 1, 125, 126, 127, 65_535, 65_536, 70_000] {
            let payload = vec![b'x'; length];
            let mut bytes = unmasked(TEXT, &payload);
            let size = bytes.len();
            bytes.extend(unmasked(PING, b"!"));
            assert_eq!(first(&bytes), Some(Frame { opcode: TEXT, payload: &payload, size }));
            assert_eq!(first(&bytes[size..]), Some(Frame { opcode: PING, payload: b"!", size: 3 }));
        }
    }

    #[test]
    fn a_frame_that_is_not_whole_is_none_yet() {
        let bytes = unmasked(TEXT, &[b'x'; 300]);
        for end in 0..bytes.len() {
            assert_eq!(first(&bytes[..end]), None);
        }
    }
}
