//! Bodies as they arrive.

use bytes::{Bytes, BytesMut};
use http_body::Body as HttpBody;
use http_body_util::{BodyExt as _, Limited};

/// The upstream stopped in the middle of its answer.
#[derive(Debug, thiserror::Error)]
#[error("the MCP server's answer ended early")]
pub struct BodyError(#[source] pub Box<dyn std::error::Error + Send + Sync>);

/// An error in the middle of an answer.
pub fn broke_off(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> BodyError {
    BodyError(error.into())
}

/// A body as it comes with a request.
pub trait Arriving:
    HttpBody<Data = Bytes, Error: Into<Box<dyn std::error::Error + Send + Sync>>>
{
}

impl<B> Arriving for B where
    B: HttpBody<Data = Bytes, Error: Into<Box<dyn std::error::Error + Send + Sync>>>
{
}

/// The whole of a body that has at most so many bytes. It is put together as it comes: a text of
/// millions of chunks would take many times its length if each of them were kept.
pub async fn whole<B: Arriving>(
    body: B,
    limit: usize,
) -> Result<Bytes, Box<dyn std::error::Error + Send + Sync>> {
    let mut body = std::pin::pin!(Limited::new(body, limit));
    let mut whole = BytesMut::new();
    while let Some(frame) = body.frame().await {
        if let Ok(piece) = frame?.into_data() {
            whole.extend_from_slice(&piece);
        }
    }
    Ok(whole.freeze())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use futures_util::stream;
    use http_body::Frame;
    use http_body_util::StreamBody;

    use super::*;

    /// However small its chunks are, a body is one text of the same length, and no longer than may be.
    #[tokio::test]
    async fn a_body_in_small_chunks_is_put_together_as_it_comes() {
        let chunk = |_| Ok::<_, BodyError>(Frame::data(Bytes::from_static(b"x")));
        let body = |chunks| StreamBody::new(stream::iter((0..chunks).map(chunk)));
        assert_eq!(whole(body(10_000), 10_000).await.unwrap(), "x".repeat(10_000));
        assert!(whole(body(10_001), 10_000).await.is_err());
        assert_eq!(whole(body(0), 0).await.unwrap(), "");
    }
}
