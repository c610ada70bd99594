import { mkdir, mkdtemp, rename, rm, rmdir, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { envManifest, envProvider } from '@finchat/secrets-core'
import { type ProviderHarness, testSecretProvider } from '@finchat/secrets-testkit'
import { describe, test } from 'vitest'

const memory = "a process's own variables are in its memory"
const disk = 'a mounted directory is on this machine'

describe('the env provider keeps the contract with variables', () => {
  testSecretProvider({
    test,
    manifest: envManifest,
    cannotHappen: {
      denied: memory,
      unauthenticated: memory,
      unreachable: memory,
      hung: memory,
      throttled: memory,
      garbage: 'every text is a value',
      withdrawn: 'a variable that was unset leaves no trace',
    },
    createHarness: async () => {
      const env: Record<string, string> = Object.create(null)
      return {
        provider: envProvider({ env }),
        seed: async (path, value) => void (env[path] = String(value)),
        breakStore: {},
        path: (n) => `SUITE_SECRET_${n}`,
        close: async () => {},
      }
    },
  })
})

describe('the env provider keeps the contract with a mounted directory', () => {
  testSecretProvider({
    test,
    manifest: { ...envManifest, supports: ['probe', 'changes', ...envManifest.supports] },
    cannotHappen: {
      denied: 'the tests may run as root, who may read everything',
      unauthenticated: disk,
      unreachable: 'a directory that is gone is a mistake in the configuration',
      hung: disk,
      throttled: disk,
      withdrawn: 'a file that was removed leaves no trace',
    },
    createHarness: mountedHarness,
  })
})

/** Files for ordinary paths; variables for those that some file systems cannot hold, or take for others. */
async function mountedHarness(): Promise<ProviderHarness> {
  const directory = await mkdtemp(join(tmpdir(), 'finchat-mounted-'))
  const env: Record<string, string> = Object.create(null)
  const writeSecretFile = async (path: string, value: string | Uint8Array): Promise<void> => {
    const file = join(directory, path)
    await mkdir(dirname(file), { recursive: true })
    const before = await changedAt(file)
    // Some kernels count a file's time in steps of 4 ms; no mount changes twice in one of them.
    do await writeFile(file, value)
    while ((await changedAt(file)) === before)
  }
  return {
    provider: envProvider({ env, directory }),
    seed: async (path, value) => (/^suite\/secret-\d+$/.test(path) ? writeSecretFile(path, value) : void (env[path] = String(value))),
    breakStore: { garbage: (path) => replaceByDirectory(join(directory, path)) },
    close: () => rm(directory, { recursive: true }),
  }
}

async function changedAt(file: string): Promise<bigint | undefined> {
  return (await stat(file, { bigint: true }).catch(() => undefined))?.ctimeNs
}

async function replaceByDirectory(file: string): Promise<() => Promise<void>> {
  await rename(file, `${file}.aside`)
  await mkdir(file)
  return async () => {
    await rmdir(file)
    await rename(`${file}.aside`, file)
  }
}
