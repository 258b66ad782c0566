FROM rust:1.95-bookworm AS build
WORKDIR /src
COPY . .
RUN cargo build --release --locked -p wicketgate

FROM debian:12-slim
RUN useradd --system --uid 10001 --create-home --home-dir /var/lib/wicketgate wicketgate
COPY --from=build /src/target/release/wicketgate /usr/local/bin/wicketgate
USER wicketgate
WORKDIR /var/lib/wicketgate
ENV WICKETGATE_CONFIG=/etc/wicketgate/wicketgate.toml
EXPOSE 8787
HEALTHCHECK --interval=10s --timeout=6s CMD ["wicketgate", "health", "http://127.0.0.1:8787"]
ENTRYPOINT ["wicketgate"]
CMD ["serve"]
