"""The HTTP, WebSocket and SSE room: what is known now, for drivers, signs and operators."""
