//! A plain static server: the built site, under any sub-path, compressed with gzip as GitHub Pages
//! does it.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};
use axum::Router;
use axum::http::{HeaderName, HeaderValue, header};
use tokio::net::TcpListener;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::SizeAbove;
use tower_http::services::{ServeDir, ServeFile};
use tower_http::set_header::SetResponseHeaderLayer;

/// A folder and the path it is served under, such as `/` or `/vitrine`.
#[derive(Clone, Debug)]
pub(crate) struct Mount {
    /// Begins with a slash and ends without one, except for the root itself.
    pub(crate) path: String,
    /// What is served there.
    pub(crate) folder: PathBuf,
    /// Whether its pages are cross-origin isolated by headers, as no static host does it.
    isolated: bool,
}

impl Mount {
    /// Accepts `vitrine`, `/vitrine` and `/vitrine/` alike.
    pub(crate) fn new(path: &str, folder: PathBuf) -> Mount {
        Mount {
            path: format!("/{}", path.trim_matches('/')),
            folder,
            isolated: false,
        }
    }

    /// With the headers that make its pages cross-origin isolated: they get shared memory, which
    /// threads need, and a clock of finer steps. Workers need the headers as well as pages.
    pub(crate) fn isolated(self) -> Mount {
        Mount {
            isolated: true,
            ..self
        }
    }
}

/// Serves until the process ends. Listens on this machine only.
pub(crate) fn forever(mounts: &[Mount], port: u16) -> Result<()> {
    let runtime = tokio::runtime::Runtime::new().context("starting the server")?;
    runtime.block_on(async {
        let (listener, address) = listen(port).await?;
        for mount in mounts {
            println!("Serving http://{address}{}", with_slash(&mount.path));
        }
        println!("Ctrl-C ends it.");
        axum::serve(listener, router(mounts))
            .await
            .context("serving")
    })
}

/// A server that runs beside its owner and ends with it.
pub(crate) struct Background {
    address: SocketAddr,
    // Dropping the runtime stops the server.
    _runtime: tokio::runtime::Runtime,
}

impl Background {
    /// Starts on a free port.
    pub(crate) fn start(mounts: &[Mount]) -> Result<Background> {
        let runtime = tokio::runtime::Runtime::new().context("starting the server")?;
        let (listener, address) = runtime.block_on(listen(0))?;
        let router = router(mounts);
        runtime.spawn(async move { axum::serve(listener, router).await });
        Ok(Background {
            address,
            _runtime: runtime,
        })
    }

    /// Address of a path on this server.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{}", self.address, with_slash(path))
    }
}

async fn listen(port: u16) -> Result<(TcpListener, SocketAddr)> {
    let listener = match TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await {
        Ok(listener) => listener,
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => {
            bail!("port {port} is taken: end the other server or choose another with --port")
        }
        Err(error) => return Err(error).context("opening a port"),
    };
    let address = listener.local_addr().context("reading the port")?;
    Ok((listener, address))
}

/// What makes a page cross-origin isolated.
const ISOLATION: [(&str, &str); 2] = [
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-embedder-policy", "require-corp"),
];

fn router(mounts: &[Mount]) -> Router {
    let mut router = Router::new();
    for mount in mounts {
        // As static hosts do it: the site's own document, with the status that says what it is.
        let files = ServeDir::new(&mount.folder)
            .not_found_service(ServeFile::new(mount.folder.join("404.html")));
        let mut files = Router::new().fallback_service(files);
        if mount.isolated {
            for (name, value) in ISOLATION {
                files = files.layer(SetResponseHeaderLayer::overriding(
                    HeaderName::from_static(name),
                    HeaderValue::from_static(value),
                ));
            }
        }
        router = match mount.path.as_str() {
            "/" => router.fallback_service(files),
            path => router.nest_service(path, files),
        };
    }
    router
        .layer(
            CompressionLayer::new()
                .quality(tower_http::CompressionLevel::Fastest)
                .compress_when(SizeAbove::new(256)),
        )
        // A rebuilt site shows at the next reload; unchanged files are answered with 304.
        .layer(SetResponseHeaderLayer::overriding(
            header::CACHE_CONTROL,
            HeaderValue::from_static("no-cache"),
        ))
}

fn with_slash(path: &str) -> String {
    format!("{}/", path.trim_end_matches('/'))
}
