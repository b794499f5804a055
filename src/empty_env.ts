/**
 * MQTT.js and the MCP SDK read environment variables while they load, which throws here: there is
 * no permission for any. Imported before them, this gives them an empty environment.
 *
 * @module
 */

import process from "node:process";

Object.defineProperty(process, "env", { value: {}, writable: false });
