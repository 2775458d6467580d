// ReDoc over the server's own OpenAPI document.
window.Redoc.init(
  "/api/openapi.json",
  { hideDownloadButton: false, nativeScrollbars: true, expandResponses: "200,201" },
  document.getElementById("redoc"),
);
