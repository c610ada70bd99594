import { httpCall } from './http-call.ts'

/**
 * One call of the server's HTTP API by an administrator:
 * `await api('POST', 'sys/mounts/kv', { type: 'kv' })`. Resolves to the answer's JSON, or
 * `undefined` if it has none. A status of 400 or more rejects with the server's message.
 */
export type OpenBaoApi = <Answer = unknown>(method: string, path: string, body?: unknown, token?: string) => Promise<Answer>

export function openBaoApi(url: string, rootToken: string, ca?: string): OpenBaoApi {
  return async <Answer>(method: string, path: string, body?: unknown, token = rootToken): Promise<Answer> => {
    const headers = { 'X-Vault-Request': 'true', 'X-Vault-Token': token }
    const { status, text } = await httpCall(`${url}/v1/${path}`, { method, body, ca, headers })
    if (status >= 400) throw new Error(`${method} ${path}: ${status} ${text}`)
    return (text === '' ? undefined : JSON.parse(text)) as Answer // what the caller says that it asked for
  }
}

/** What `sys/health` answers: 200 active, 429 standby, 501 not initialised, 503 sealed. */
export async function healthOf(url: string, ca?: string): Promise<number> {
  const { status } = await httpCall(`${url}/v1/sys/health`, { ca, timeoutMs: 1000 })
  return status
}
