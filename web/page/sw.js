// Keeps the page's files, so that it works without a network after the first visit. The weights keep themselves: see
// worker.js. A new version is loaded beside this one and used when all tabs of this one are closed.

importScripts("files.js");
const { version, kept } = self.files;
const CACHE = `impasto-page-${version}`;

addEventListener("install", event => event.waitUntil(caches.open(CACHE).then(cache => cache.addAll(kept))));

addEventListener("activate", event => event.waitUntil((async () => {
  const names = await caches.keys();
  const old = names.filter(name => name.startsWith("impasto-page-") && name !== CACHE);
  await Promise.all(old.map(name => caches.delete(name)));
  await clients.claim();
})()));

addEventListener("fetch", event => {
  const { request } = event;
  if (request.method !== "GET" || new URL(request.url).origin !== location.origin) return;
  event.respondWith(caches.open(CACHE).then(async cache => await cache.match(request, { ignoreSearch: true }) ?? fetch(request)));
});
