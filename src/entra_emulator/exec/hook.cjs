// Leads every connection of Node's own modules to Microsoft's hosts to the emulator: Node's fetch and
// its https module know no proxy. TLS still checks the name that the program asked for.
const net = require("node:net");
const [port, ...hosts] = (process.env.ENTRA_EMULATOR_HOSTS || "").split(" ");
const connect = net.Socket.prototype.connect;

net.Socket.prototype.connect = function (...parts) {
  // Node's own modules hand over a list that it has put in order: options, and a function.
  const list = Array.isArray(parts[0]);
  const options = list ? parts[0][0] : parts[0];
  if (options && hosts.includes(options.host) && Number(options.port) === 443) {
    const led = { ...options, host: "127.0.0.1", port: Number(port), lookup: undefined };
    if (list) parts[0][0] = led;
    else parts[0] = led;
  }
  return connect.apply(this, parts);
};
