// What is fetched besides the dependencies that pnpm-lock.yaml locks, and where its hashes stand.
import { servers } from '../tests/servers/src/catalogue.ts'
import { yarnSpec } from './package-managers.ts'
import { fetchableSpecs } from './toolchain.mjs'

interface PipLock {
  readonly lock: string
  readonly packages: readonly string[]
  readonly withDependencies: boolean
}

/** What makes the other locks; only `pnpm pins:update` uses it. */
export const installerOfPins: PipLock = { lock: 'tests/servers/pins/uv.txt', packages: ['uv==0.13.9'], withDependencies: false }

const systems = ['linux-x64', 'linux-arm64', 'darwin-x64', 'darwin-arm64']
const sources = Object.entries(servers).map(([name, { source }]) => ({ name, source }))

/** Each has its hash in scripts/pins.json. */
export const npmSpecs: readonly string[] = [
  ...fetchableSpecs,
  yarnSpec,
  ...sources.flatMap(({ source }) => (source.client === 'npm' ? systems.map((system) => source.specFor(system)) : [])),
]

interface AptLock {
  readonly lock: string
  readonly spec: string
}

export const aptLocks: readonly AptLock[] = sources.flatMap(({ name, source }) =>
  source.client === 'apt' ? { spec: source.spec, lock: `tests/servers/pins/${name}.txt` } : [],
)

export const pipLocks: readonly PipLock[] = [
  installerOfPins,
  ...sources.flatMap(({ name, source }) => (source.client === 'pip' ? { ...source, lock: `tests/servers/pins/${name}.txt` } : [])),
]
