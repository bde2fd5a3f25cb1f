//! A network between the packer and the server, which can be taken away.

use std::sync::{Arc, Mutex};

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// Its connections; nothing while it is down.
type Connections = Arc<Mutex<Option<JoinSet<()>>>>;

pub struct Network {
    port: u16,
    connections: Connections,
}

impl Network {
    /// A network that leads to the server at `url`, over HTTP.
    pub async fn open(url: &str) -> Self {
        let target = url.trim_start_matches("http://").to_owned();
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let connections = Connections::new(Mutex::new(Some(JoinSet::new())));
        let network = Self { port, connections: Arc::clone(&connections) };
        tokio::spawn(async move {
            while let Ok((mut near, _)) = listener.accept().await {
                let target = target.clone();
                if let Some(connections) = &mut *connections.lock().expect("no panic") {
                    connections.spawn(async move {
                        if let Ok(mut far) = TcpStream::connect(target).await {
                            // either end may break it off
                            let _ = copy_bidirectional(&mut near, &mut far).await;
                        }
                    });
                }
            }
        });
        network
    }

    /// Where the server is, through this network.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Breaks every connection, and lets no other begin.
    pub fn down(&self) {
        self.connections.lock().expect("no panic").take();
    }

    pub fn up(&self) {
        *self.connections.lock().expect("no panic") = Some(JoinSet::new());
    }
}
