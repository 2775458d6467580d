// Swagger UI over the server's own OpenAPI document. The key that is entered under "Authorize"
// goes with the page: were it kept, signing out of the dashboard would leave it behind.
window.SwaggerUIBundle({
  url: "/api/openapi.json",
  dom_id: "#docs",
  deepLinking: true,
  displayRequestDuration: true,
  docExpansion: "list",
  defaultModelsExpandDepth: 0,
  tryItOutEnabled: true,
  // Nothing is sent to anybody else's validator.
  validatorUrl: null,
});
