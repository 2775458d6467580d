// Swagger UI over the server's own OpenAPI document. The key that is entered under "Authorize"
// stays in this browser over a reload; "Logout" there removes it.
window.SwaggerUIBundle({
  url: "/api/openapi.json",
  dom_id: "#docs",
  deepLinking: true,
  persistAuthorization: true,
  displayRequestDuration: true,
  docExpansion: "list",
  defaultModelsExpandDepth: 0,
  tryItOutEnabled: true,
  // Nothing is sent to anybody else's validator.
  validatorUrl: null,
});
