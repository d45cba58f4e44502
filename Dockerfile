# usher as one static binary in an image without a shell.
#
#   docker build --build-arg VERSION=$(git describe --tags --always) -t usher .
#   docker run -p 127.0.0.1:8080:8080 -v usher:/data -e USHER_PUBLIC_URL=https://id.example.org usher

FROM golang:1.26-bookworm AS build
ARG VERSION=dev
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.version=${VERSION}" -o /out/usher ./cmd/usher \
 && install -d -m 0700 /out/data

FROM gcr.io/distroless/static-debian12:nonroot
COPY --from=build /out/usher /usher
# A new volume takes its owner and mode from here.
COPY --from=build --chown=nonroot:nonroot /out/data /data
USER nonroot:nonroot
# The internal listener, where callers speak as the system, is off: set
# USHER_INTERNAL_LISTEN and USHER_DOORS_PARTNER_INTERNAL_SECRET together.
ENV USHER_LISTEN=0.0.0.0:8080 USHER_INTERNAL_LISTEN= USHER_DATA=/data USHER_LOG_FORMAT=json
VOLUME /data
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 CMD ["/usher", "health"]
ENTRYPOINT ["/usher"]
CMD ["serve"]
