# The images of this repository, compiled here and static: `docker build --target server .`, `docker build --target fiel .`
# Where nothing can be pulled, docker/local.Dockerfile packs programs that were compiled outside (`cargo xtask image`).
ARG RUST_IMAGE=rust:1-slim-bookworm

FROM ${RUST_IMAGE} AS rust
WORKDIR /src
# The allocator as `.cargo/config.toml` has it for all other builds.
ENV CARGO_TERM_COLOR=never \
    CFLAGS="-DMI_DEFAULT_ALLOW_THP=0 -DMI_NO_GETENV=1 -DMI_SKIP_COLLECT_ON_EXIT=1" \
    RUSTFLAGS="-C target-feature=+crt-static -C symbol-mangling-version=v0"
# With a target named, the flags above are not for build scripts and procedural macros, which cannot be static.
RUN rustc -vV | sed -n 's/^host: //p' > /target-triple && mkdir -p /out/tmp && chmod 1777 /out/tmp

# Only what says which crates are needed. The stage runs at every change, but what it makes changes seldom, and the
# builder keeps the next stages by its content.
FROM rust AS manifests
COPY . .
RUN find . -type f ! -name Cargo.toml ! -name Cargo.lock ! -name '*.rs' -delete \
 && find . -name '*.rs' ! -path '*/src/main.rs' ! -path '*/src/lib.rs' ! -path './*/src/bin/*.rs' ! -path './crates/*/tests/*.rs' ! -path './crates/*/benches/*.rs' -delete \
 && find . -name '*.rs' ! -name lib.rs -exec sh -c 'for file; do printf "//! None.\nfn main() { }\n" > "$file"; done' sh {} + \
 && find . -name lib.rs -exec sh -c 'for file; do echo "//! None." > "$file"; done' sh {} + \
 && find . -depth -type d -empty -delete

FROM rust AS server-dependencies
COPY --from=manifests /src .
RUN cargo build --locked --profile dist --target "$(cat /target-triple)" --package fiel-server

# The file times of a copy are older than what was built above: without the touch nothing would be compiled anew.
FROM server-dependencies AS server-build
COPY . .
RUN find crates xtask -name '*.rs' -exec touch {} + \
 && cargo build --locked --profile dist --target "$(cat /target-triple)" --package fiel-server \
 && cp "target/$(cat /target-triple)/dist/fiel-server" /out/

FROM rust AS fiel-dependencies
COPY --from=manifests /src .
RUN cargo build --locked --profile dist --target "$(cat /target-triple)" --package fiel-cli

FROM fiel-dependencies AS fiel-build
COPY . .
RUN find crates xtask -name '*.rs' -exec touch {} + \
 && cargo build --locked --profile dist --target "$(cat /target-triple)" --package fiel-cli \
 && cp "target/$(cat /target-triple)/dist/fiel" /out/

FROM scratch AS fiel
ARG COMMIT=unknown
LABEL org.opencontainers.image.title="fiel" \
      org.opencontainers.image.description="GitOps for Kubernetes: what is in Git is what runs" \
      org.opencontainers.image.source="https://github.com/user/gitopsfc" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.revision="${COMMIT}"
# To trust the servers of https repositories, and to keep what was fetched from them.
COPY --from=fiel-build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=fiel-build --chown=65532:65532 /out/tmp /tmp
COPY --from=fiel-build /out/fiel /fiel
USER 65532:65532
ENTRYPOINT ["/fiel"]

# The last stage is what a plain `docker build .` makes: the course's image.
FROM scratch AS server
ARG COMMIT=unknown
LABEL org.opencontainers.image.title="goserver" \
      org.opencontainers.image.description="The hello server of the course" \
      org.opencontainers.image.source="https://github.com/user/gitopsfc" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.revision="${COMMIT}"
COPY --from=server-build /out/fiel-server /fiel-server
ENV COMMIT="${COMMIT}"
USER 65532:65532
EXPOSE 8080
ENTRYPOINT ["/fiel-server"]
