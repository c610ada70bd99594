// The servers that programs of examples need, and the variables that name them. Each is started once.
import { findServer, type ServerName, startMoto, startOpenBao, startPostgres, startValkey } from '../tests/servers/src/index.ts'

interface Running {
  readonly variables: Readonly<Record<string, string>>
  readonly stop: () => Promise<void>
}

interface Need {
  readonly title: string
  readonly server: ServerName
  readonly start: () => Promise<Running>
}

const needs: Readonly<Record<string, Need>> = {
  'rotating-postgres': {
    title: 'PostgreSQL',
    server: 'postgres',
    start: async () => {
      const { url, stop } = await startPostgres()
      return { variables: { DATABASE_URL: url }, stop }
    },
  },
  'worker-with-redis-cache': {
    title: 'Valkey',
    server: 'valkey',
    start: async () => {
      const { url, stop } = await startValkey()
      return { variables: { REDIS_URL: url }, stop }
    },
  },
  'aws-lambda': {
    title: 'moto',
    server: 'moto',
    start: async () => {
      const { url, stop } = await startMoto()
      return { variables: { AWS_ENDPOINT_URL: url }, stop }
    },
  },
  kubernetes: {
    title: 'OpenBao',
    server: 'openbao',
    start: async () => {
      const { url, rootToken, stop } = await startOpenBao()
      return { variables: { VAULT_ADDR: url, VAULT_TOKEN: rootToken }, stop }
    },
  },
}

export class ExampleServers {
  readonly #running = new Map<string, Running>()

  /** The server of an example that this machine does not have, in words. */
  missing(example: string): string | undefined {
    const need = needs[example]
    return need === undefined || findServer(need.server).found ? undefined : need.title
  }

  /** Starts the server at the first call for an example; no variables where it needs no server. */
  async variables(example: string): Promise<NodeJS.ProcessEnv> {
    const need = needs[example]
    if (need === undefined) return {}
    const running = this.#running.get(example) ?? (await need.start())
    this.#running.set(example, running)
    return running.variables
  }

  async stop(): Promise<void> {
    for (const { stop } of this.#running.values()) await stop()
  }
}
