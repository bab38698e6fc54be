/**
 * Cross-origin isolation for pages on hosts that send no headers of yours, such as GitHub Pages: a service worker adds them.
 * Copy this file next to the page, and load it before other scripts: <script src="isolate.js"></script>
 */

/**
 * @typedef {object} WorkerEvent
 * @property {Request} request
 * @property {(end: Promise<unknown>) => void} waitUntil
 * @property {(response: Promise<Response>) => void} respondWith
 *
 * @typedef {object} ServiceWorkerScope
 * @property {() => void} skipWaiting
 * @property {{ claim(): Promise<void> }} clients
 * @property {(type: string, listener: (event: WorkerEvent) => void) => void} addEventListener
 */

if (typeof document === 'undefined') {
  // In the service worker
  const scope = /** @type {ServiceWorkerScope} */ (/** @type {unknown} */ (self));
  scope.addEventListener('install', () => scope.skipWaiting());
  scope.addEventListener('activate', event => event.waitUntil(scope.clients.claim()));
  scope.addEventListener('fetch', event => {
    const { request } = event;
    if (request.cache === 'only-if-cached' && request.mode !== 'same-origin') return;
    event.respondWith(
      fetch(request).then(response => {
        if (response.status === 0) return response; // not readable: an answer of another host
        const headers = new Headers(response.headers);
        headers.set('Cross-Origin-Opener-Policy', 'same-origin');
        headers.set('Cross-Origin-Embedder-Policy', 'require-corp');
        return new Response(response.body, { status: response.status, statusText: response.statusText, headers });
      }),
    );
  });
} else if (!crossOriginIsolated && navigator.serviceWorker) {
  // In the page: registers this file, and loads the page again under the service worker
  const { src } = /** @type {HTMLScriptElement} */ (document.currentScript);
  navigator.serviceWorker.register(src);
  navigator.serviceWorker.addEventListener('controllerchange', () => location.reload());
}
