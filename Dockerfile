# Three images from one file; docker-compose.yml builds them all.
#
#   docker build --target server    -t quick-commerce .             the server, and every command of it
#   docker build --target front     -t quick-commerce-front .       nginx with the web app
#   docker build --target simulator -t quick-commerce-simulator .   life for the demo
#
# Needs BuildKit, which is Docker's default since 23, and nothing of it that is newer. The images below are named by tags that
# stay what they are but for security updates; a release that has to be the same bytes for ever pins their digests:
# --build-arg RUST_IMAGE=rust@sha256:…

ARG RUST_IMAGE=rust:1.95.0-bookworm
ARG NODE_IMAGE=node:22-bookworm-slim
ARG SERVER_IMAGE=gcr.io/distroless/cc-debian12:nonroot
ARG NGINX_IMAGE=nginxinc/nginx-unprivileged:1.30-alpine

# ---- the server ----

FROM ${RUST_IMAGE} AS chef
# the image's own Rust, also where rust-toolchain.toml asks for parts of it that only developers need
ENV RUSTUP_TOOLCHAIN=1.95.0 CARGO_INCREMENTAL=0 CARGO_TERM_COLOR=never
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    cargo install cargo-chef --version 0.1.78 --locked
WORKDIR /src

# All that the server is made of, so that nothing else has it built anew.
FROM chef AS source
COPY Cargo.toml Cargo.lock rust-toolchain.toml ./
COPY .cargo .cargo
COPY benches benches
COPY migration migration
COPY domain domain
COPY entity entity
COPY src src

# What the dependencies are, and nothing else: this changes only when they do.
FROM source AS plan
RUN cargo chef prepare --recipe-path /recipe.json

FROM chef AS build
# `dist` is the fastest program; `--build-arg PROFILE=dev` one that is there sooner, for trying things out
ARG PROFILE=dist
# how many compilers run at once; each takes up to 2 GB
ARG CARGO_BUILD_JOBS
COPY --from=plan /recipe.json /recipe.json
# the dependencies, which take most of the time: a layer of their own
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    cargo chef cook --profile "$PROFILE" --locked --package quick-commerce --bin quick-commerce --recipe-path /recipe.json
COPY --from=source /src ./
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    if [ "$PROFILE" = dev ]; then folder=debug; else folder=$PROFILE; fi \
    && cargo build --profile "$PROFILE" --locked --package quick-commerce --bin quick-commerce \
    && install -D "target/$folder/quick-commerce" /out/bin/quick-commerce \
    && strip --strip-debug /out/bin/quick-commerce \
    && mkdir -p /out/home/data

FROM ${SERVER_IMAGE} AS server
LABEL org.opencontainers.image.title="Quick Commerce" \
      org.opencontainers.image.description="The GraphQL server for quick commerce: orders, claims and deliveries, live" \
      org.opencontainers.image.licenses="MIT OR Apache-2.0"
COPY --from=build /out/bin/quick-commerce /usr/local/bin/quick-commerce
# the only place that it writes to: an SQLite database and mails, while there is no PostgreSQL and no mail server
COPY --from=build --chown=65532:65532 /out/home /var/lib/quick-commerce
WORKDIR /var/lib/quick-commerce
ENV LISTEN_ADDR=0.0.0.0:8080 LOG_FORMAT=json
USER 65532:65532
EXPOSE 8080
# it then has DRAIN_SECONDS and twenty more
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=5s --start-period=30s --retries=3 \
    CMD ["/usr/local/bin/quick-commerce", "health"]
ENTRYPOINT ["/usr/local/bin/quick-commerce"]
CMD ["serve"]

# ---- the web app, and nginx ----

FROM ${NODE_IMAGE} AS web
ENV PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1
WORKDIR /src/client-examples/web
COPY client-examples/web/package.json client-examples/web/package-lock.json ./
RUN --mount=type=cache,target=/root/.npm npm ci --no-audit --no-fund
# its types are made from it
COPY schema.graphql /src/schema.graphql
COPY client-examples/web ./
# compressed once, with more patience than there is for each request
RUN npm run build \
    && find dist -type f -size +1k \
       \( -name '*.js' -o -name '*.css' -o -name '*.html' -o -name '*.svg' -o -name '*.json' -o -name '*.webmanifest' \) \
       -exec gzip --best --keep --no-name {} +

FROM ${NGINX_IMAGE} AS front
LABEL org.opencontainers.image.title="Quick Commerce: nginx and the web app" \
      org.opencontainers.image.licenses="MIT OR Apache-2.0"
USER 0
# what the entrypoint makes of the templates is written where a read-only container can write
RUN rm -f /etc/nginx/conf.d/default.conf \
    && mkdir -p /etc/nginx/tls \
    && ln -s /tmp/place /etc/nginx/place
COPY nginx.conf /etc/nginx/nginx.conf
COPY deploy/nginx/templates /etc/nginx/templates
COPY deploy/nginx/trusted-proxy.envsh /docker-entrypoint.d/16-trusted-proxy.envsh
COPY --from=web /src/client-examples/web/dist /srv/web
USER 101
# where the instances are, as a name with an address for each; who stands in front of nginx; the limits of a client; the key
# with which the app shows Stripe's form
ENV API_HOST=api API_PORT=8080 \
    TRUSTED_PROXY=127.0.0.1 REQUESTS_PER_SECOND=50 MAX_BODY_BYTES=1048576 STRIPE_PUBLISHABLE_KEY= \
    NGINX_ENTRYPOINT_LOCAL_RESOLVERS=1 NGINX_ENVSUBST_OUTPUT_DIR=/tmp
EXPOSE 8080
# WebSockets close with it: workers wait for them for 30 s (nginx.conf)
STOPSIGNAL SIGQUIT
HEALTHCHECK --interval=5s --timeout=3s --start-period=5s --retries=3 \
    CMD ["wget", "-q", "-O", "/dev/null", "http://127.0.0.1:8080/index.html"]
CMD ["nginx", "-p", "/tmp/", "-g", "daemon off;"]

# ---- the demo's customers and partners ----

FROM ${NODE_IMAGE} AS simulator
LABEL org.opencontainers.image.title="Quick Commerce: simulator of the demo" \
      org.opencontainers.image.licenses="MIT OR Apache-2.0"
ENV NODE_ENV=production
WORKDIR /srv/simulator
COPY deploy/simulator/package.json deploy/simulator/package-lock.json ./
RUN --mount=type=cache,target=/root/.npm npm ci --omit=dev --no-audit --no-fund
COPY deploy/simulator ./
USER 1000
CMD ["node", "simulator.mjs"]

# What `docker build .` makes.
FROM server
