FROM rust:1.95-bookworm AS build
RUN apt-get update \
    && apt-get install -y --no-install-recommends libclang-dev libxmlsec1-dev pkg-config \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
RUN cargo build --release --locked -p wicketgate --features saml

FROM debian:12-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates libxmlsec1-openssl \
    && rm -rf /var/lib/apt/lists/*
RUN useradd --system --uid 10001 --create-home --home-dir /var/lib/wicketgate wicketgate
COPY --from=build /src/target/release/wicketgate /usr/local/bin/wicketgate
USER wicketgate
WORKDIR /var/lib/wicketgate
ENV WICKETGATE_CONFIG=/etc/wicketgate/wicketgate.toml
EXPOSE 8787
HEALTHCHECK --interval=10s --timeout=6s CMD ["wicketgate", "health", "http://127.0.0.1:8787"]
ENTRYPOINT ["wicketgate"]
CMD ["serve"]
