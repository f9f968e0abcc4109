// Lists the routes of /openapi.json; nothing is loaded from another host.
const make = (tag, text = "") => Object.assign(document.createElement(tag), { textContent: text });
const api = await (await fetch("/openapi.json")).json();
document.getElementById("about").textContent = api.info.description;
const routes = document.getElementById("routes");
for (const [path, methods] of Object.entries(api.paths)) {
  for (const [method, route] of Object.entries(methods)) {
    const section = make("section");
    const head = make("h2");
    const code = make("code", `${method.toUpperCase()} ${path}`);
    head.append(code);
    section.append(head, make("p", route.description ?? ""));
    if (route.parameters?.length) {
      const table = make("table");
      for (const parameter of route.parameters) {
        const row = make("tr");
        const schema = parameter.schema ?? {};
        const options = schema.enum ?? schema.anyOf?.flatMap((one) => one.enum ?? []) ?? [];
        const told = [parameter.description ?? schema.description ?? "", options.join(" | ")].filter(Boolean).join(": ");
        row.append(make("th", parameter.name), make("td", parameter.in), make("td", told));
        table.append(row);
      }
      section.append(table);
    }
    const keyed = (route.security ?? []).flatMap((one) => one.key ?? []);
    const optional = route.security?.some((one) => !one.key);
    if (keyed.length) section.append(make("p", `${optional ? "More with" : "Needs"} an API key of scope ${keyed.join(", ")}`));
    section.append(make("p", `Answers: ${Object.keys(route.responses).join(", ")}`));
    routes.append(section);
  }
}
