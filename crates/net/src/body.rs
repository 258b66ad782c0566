//! Bodies with an upper bound, in bytes and in time (DS-1, DS-2).

use std::time::Duration;

use bytes::Bytes;
use http_body::Body;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};

/// Why a body could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// Larger than the limit.
    #[error("the body is too large")]
    TooLarge,
    /// Not there within the time.
    #[error("the body took too long to arrive")]
    TooSlow,
    /// The connection broke off or the framing was wrong.
    #[error("the body could not be read to its end")]
    Broken,
}

/// Reads a whole body of at most `limit` bytes that is there within `time`.
pub async fn read_limited<B>(body: B, limit: usize, time: Duration) -> Result<Bytes, BodyError>
where
    B: Body<Data = Bytes>,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    // A declared length that is too large is refused before a byte is read.
    if body.size_hint().lower() > limit as u64 {
        return Err(BodyError::TooLarge);
    }
    let collected = tokio::time::timeout(time, Limited::new(body, limit).collect()).await;
    match collected.map_err(|_| BodyError::TooSlow)? {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(BodyError::TooLarge),
        Err(_) => Err(BodyError::Broken),
    }
}

#[cfg(test)]
mod tests {
    use http_body::Frame;
    use http_body_util::{Full, StreamBody};

    use super::*;

    const SOON: Duration = Duration::from_millis(20);

    async fn read<B>(body: B) -> Result<Bytes, BodyError>
    where
        B: Body<Data = Bytes>,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        read_limited(body, 4, SOON).await
    }

    /// DS-1, DS-2: a body has a size and a time.
    #[tokio::test]
    async fn ds_2_a_body_that_does_not_end_is_too_slow() {
        let never =
            StreamBody::new(futures_util::stream::pending::<Result<Frame<Bytes>, String>>());
        assert_eq!(read(never).await, Err(BodyError::TooSlow));
        // A byte now and then does not buy time.
        let drops = futures_util::stream::unfold((), async |()| {
            tokio::time::sleep(SOON / 3).await;
            Some((Ok::<_, String>(Frame::data(Bytes::from_static(b"x"))), ()))
        });
        let dripping = read_limited(StreamBody::new(drops), usize::MAX, SOON).await;
        assert_eq!(dripping, Err(BodyError::TooSlow));
        assert_eq!(read(Full::from("four")).await, Ok(Bytes::from_static(b"four")));
        assert_eq!(read(Full::from("fives")).await, Err(BodyError::TooLarge));
    }
}
