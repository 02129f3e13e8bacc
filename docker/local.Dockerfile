# Images from programs that were compiled outside, where nothing can be pulled: the build context holds nothing but what
# goes into the image. `cargo xtask image` makes such a context. The whole way, compiling included, is ../Dockerfile.

FROM scratch AS server
ARG COMMIT=unknown
LABEL org.opencontainers.image.title="goserver" \
      org.opencontainers.image.description="The hello server of the course" \
      org.opencontainers.image.source="https://github.com/user/gitopsfc" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.revision="${COMMIT}"
# Not `COPY fiel-server`: a builder that runs every stage would not find it in the context of the other image.
COPY . /
ENV COMMIT="${COMMIT}"
USER 65532:65532
EXPOSE 8080
ENTRYPOINT ["/fiel-server"]

FROM scratch AS fiel
ARG COMMIT=unknown
LABEL org.opencontainers.image.title="fiel" \
      org.opencontainers.image.description="GitOps for Kubernetes: what is in Git is what runs" \
      org.opencontainers.image.source="https://github.com/user/gitopsfc" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.revision="${COMMIT}"
COPY . /
USER 65532:65532
ENTRYPOINT ["/fiel"]
