//! Control in this process: requests go through its router.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use http_body_util::BodyExt;
use nofx_control::identity::Role;
use nofx_control::{App, Caller, Config, api};
use serde_json::Value;
use tower::ServiceExt;

use crate::common::Office;

/// Control, in this process.
pub struct Desk {
    pub office: Office,
    pub app: Arc<App>,
    pub router: Router,
}

pub fn office(engines: &[&str]) -> Office {
    furnished(engines, "")
}

/// With rules beside the built-in ones.
pub fn ruled(engines: &[&str], rules: &str) -> Office {
    let office = furnished(engines, "[policy]\nfile = \"own.cedar\"");
    let rules = format!("{}\n{rules}", nofx_control::policy::BUILT_IN);
    std::fs::write(office.path("own.cedar"), rules).expect("written");
    office
}

fn furnished(engines: &[&str], more: &str) -> Office {
    let office = Office::new();
    let files: Vec<_> = engines.iter().map(|name| (*name, office.path(name))).collect();
    let files: Vec<_> = files.iter().map(|(name, path)| (*name, path.as_path())).collect();
    office.configure(&files, more);
    office
}

impl Desk {
    pub fn open(office: Office) -> Desk {
        let config = Config::load(&office.path("control.toml")).expect("good");
        // A process that was killed a moment ago may not be gone yet.
        let app = App::open(config).expect("opens");
        let router = api::routes().with_state(app.clone());
        Desk { office, app, router }
    }

    pub async fn seen(&self, engine: &str) {
        let begun = Instant::now();
        while self.app.engines.watcher(engine).is_err() {
            assert!(begun.elapsed() < Duration::from_secs(60), "{engine} is not seen");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    pub async fn ask(
        &self,
        role: Role,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Value,
    ) -> (StatusCode, Value) {
        let mut request = Request::builder().method(method).uri(format!("/api/v1{path}"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = match body {
            Value::Null => Body::empty(),
            body => {
                request = request.header("Content-Type", "application/json");
                Body::from(body.to_string())
            }
        };
        let caller = Caller {
            person: role.name().into(),
            roles: vec![role],
            serial: "1".into(),
            fingerprint: "f".into(),
            peer: ([127, 0, 0, 1], 1).into(),
        };
        let request = request.extension(caller).body(body).expect("a request");
        let response = self.router.clone().oneshot(request).await.expect("infallible");
        let status = response.status();
        let bytes = response.into_body().collect().await.expect("whole").to_bytes();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        (status, serde_json::from_slice(&bytes).unwrap_or(Value::String(text)))
    }

    pub async fn get(&self, path: &str) -> Value {
        let (status, body) = self.ask(Role::Viewer, "GET", path, &[], Value::Null).await;
        assert_eq!(status, 200, "{path}: {body}");
        body
    }

    /// A change by a risk officer.
    pub async fn change(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Value,
    ) -> (StatusCode, Value) {
        self.ask(Role::Risk, method, path, headers, body).await
    }
}
