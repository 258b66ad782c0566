//! Bytes in which only the request's id changes, so that a request costs no formatting and an
//! answer can be compared as a whole.

use memchr::memmem;

/// Stands for the id while a template is made. All ids have eight digits.
pub(crate) const MARKER: u32 = 98_765_432;

/// Prepared bytes and where the id stands in them.
#[derive(Clone, Debug)]
pub(crate) struct Template {
    bytes: Vec<u8>,
    places: Vec<usize>,
}

impl Template {
    /// A template of bytes that contain [`MARKER`] wherever the id belongs.
    pub(crate) fn of(bytes: Vec<u8>) -> Self {
        let places = memmem::find_iter(&bytes, &digits(MARKER)).collect();
        Self { bytes, places }
    }

    /// How often the id stands in it.
    pub(crate) fn places(&self) -> usize {
        self.places.len()
    }

    /// The bytes with this id.
    pub(crate) fn with(&mut self, id: u32) -> &[u8] {
        let digits = digits(id);
        for place in &self.places {
            self.bytes[*place..*place + digits.len()].copy_from_slice(&digits);
        }
        &self.bytes
    }
}

fn digits(mut id: u32) -> [u8; 8] {
    let mut digits = [b'0'; 8];
    for digit in digits.iter_mut().rev() {
        *digit = b"0123456789"[(id % 10) as usize];
        id /= 10;
    }
    digits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_gets_the_id() {
        let mut template = Template::of(b"id 98765432, token 98765432.".to_vec());
        assert_eq!(template.places(), 2);
        assert_eq!(template.with(10_000_007), b"id 10000007, token 10000007.".as_slice());
        assert_eq!(template.with(10_000_008), b"id 10000008, token 10000008.".as_slice());
    }
}
