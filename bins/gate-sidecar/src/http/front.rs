//! The front of the public listener: an order goes straight to its handler, everything else to
//! actix-web's router. What the router does per request (a request object from a pool, routes with
//! their guards, application data by type) costs an order more than its parsing.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use actix_http::{ConnectionType, Request};
use actix_service::IntoServiceFactory;
use actix_web::body::BoxBody;
use actix_web::dev::{AppConfig, Response, Service, ServiceFactory};
use actix_web::http::Method;
use actix_web::web::Data;
use futures_util::future::{Either, MapOk, TryFutureExt as _};

use super::Shared;
use super::order::{AUTHORIZE, SentOrder, Worker, authorize};

type Done<E> = Result<Response<BoxBody>, E>;
type Boxed<T> = Pin<Box<dyn Future<Output = T>>>;

/// One worker's front, and the router behind it.
pub(crate) struct Front<R> {
    shared: Arc<Shared>,
    worker: Data<Worker>,
    router: R,
}

impl<R> Front<R> {
    /// `router` serves everything but orders.
    pub(crate) fn new(
        shared: Arc<Shared>,
        worker: Data<Worker>,
        router: impl IntoServiceFactory<R, Request>,
    ) -> Self
    where
        R: ServiceFactory<Request, Config = AppConfig>,
    {
        let router = router.into_factory();
        Self {
            shared,
            worker,
            router,
        }
    }
}

impl<R> ServiceFactory<Request> for Front<R>
where
    R: ServiceFactory<Request, Config = AppConfig>,
    R::Response: Into<Response<BoxBody>> + 'static,
    R::Service: 'static,
    R::Future: 'static,
    R::Error: 'static,
    R::InitError: 'static,
{
    type Response = Response<BoxBody>;
    type Error = R::Error;
    type Config = AppConfig;
    type Service = Front<R::Service>;
    type InitError = R::InitError;
    type Future = Boxed<Result<Self::Service, Self::InitError>>;

    fn new_service(&self, config: AppConfig) -> Self::Future {
        let (shared, worker) = (Arc::clone(&self.shared), Data::clone(&self.worker));
        let router = self.router.new_service(config);
        Box::pin(async {
            let router = router.await?;
            Ok(Front {
                shared,
                worker,
                router,
            })
        })
    }
}

/// Says that the connection ends. actix-http ends it after a request that asks for another protocol
/// (as Java's client does, for HTTP/2), and does not say so: the next request would be lost.
fn closing(mut answer: Response<BoxBody>) -> Response<BoxBody> {
    answer.head_mut().set_connection_type(ConnectionType::Close);
    answer
}

impl<R> Service<Request> for Front<R>
where
    R: Service<Request>,
    R::Response: Into<Response<BoxBody>> + 'static,
    R::Error: 'static,
    R::Future: 'static,
{
    type Response = Response<BoxBody>;
    type Error = R::Error;
    type Future =
        Either<Boxed<Done<R::Error>>, MapOk<R::Future, fn(R::Response) -> Response<BoxBody>>>;

    fn poll_ready(&self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.router.poll_ready(context)
    }

    fn call(&self, mut request: Request) -> Self::Future {
        let upgrades = request.head().upgrade();
        if request.path() != AUTHORIZE || request.method() != Method::POST {
            let answer = self.router.call(request).map_ok(Into::into as fn(_) -> _);
            return if upgrades {
                Either::Left(Box::pin(answer.map_ok(closing)))
            } else {
                Either::Right(answer)
            };
        }
        let (shared, worker) = (Arc::clone(&self.shared), Data::clone(&self.worker));
        Either::Left(Box::pin(async move {
            let payload = request.take_payload();
            let order = SentOrder::read(&request.head().headers, payload).await;
            // Dropped before the commit: the head returns to its pool, so the next request gets one
            // that is still in the caches.
            drop(request);
            let answer = authorize(&shared, &worker, order).await.into();
            Ok(if upgrades { closing(answer) } else { answer })
        }))
    }
}
