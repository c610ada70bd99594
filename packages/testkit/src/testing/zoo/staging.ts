import { SecretsError } from '@finchat/secrets-core'
import type { MemoryProvider } from '../../fakes/memory-provider.ts'
import { replacing, type BadProvider } from '../bad-providers.ts'

const apart = 'staging: no other member answers a staged version'
const other = 'staging: a receipt of another version promotes and discards nothing'
const tags = 'staging: tags of a promoted version are set, and the others kept'

const staging = (
  make: (good: MemoryProvider['staging'], all: MemoryProvider) => Partial<MemoryProvider['staging']>,
): BadProvider['spoil'] => replacing((good) => ({ staging: { ...good.staging, ...make(good.staging, good) } }))

/** Providers whose staged versions are not apart. */
export const badStaging: Readonly<Record<string, BadProvider>> = {
  'reads a staged version by its number': {
    spoil: replacing((good) => ({
      getVersion: async (path, version, context) => {
        const staged = await good.staging.get(path, context)
        return staged?.version === version ? staged : good.getVersion(path, version, context)
      },
    })),
    caughtBy: apart,
  },
  'reads a discarded version by its number': {
    spoil: replacing((good) => {
      const kept = new Map<number, { readonly value: string; readonly version: number }>()
      return {
        staging: {
          ...good.staging,
          put: async (path, secret, context) => {
            const receipt = await good.staging.put(path, secret, context)
            kept.set(receipt.version ?? 0, { value: String(secret.value), version: receipt.version ?? 0 })
            return receipt
          },
        },
        getVersion: async (path, version, context) =>
          (await good.getVersion(path, version, context)) ??
          ((await good.staging.get(path, context)) === undefined ? kept.get(Number(version)) : undefined),
      }
    }),
    caughtBy: apart,
  },
  'has a staged version among those it describes': {
    spoil: replacing((good) => ({
      describe: async (path, context) => {
        const [described, staged] = [await good.describe(path, context), await good.staging.get(path, context)]
        return described && staged ? { ...described, versions: [...(described.versions ?? []), staged] } : described
      },
    })),
    caughtBy: apart,
  },
  'probes a staged version': {
    spoil: replacing((good) => ({
      probe: async (path, context) => (await good.staging.get(path, context)) ?? good.probe(path, context),
    })),
    caughtBy: apart,
  },
  'lists a path that is only staged': {
    spoil: replacing((good) => {
      const staged = new Set<string>()
      return {
        staging: {
          ...good.staging,
          put: async (path, secret, context) => {
            if ((await good.get(path, context)) === undefined) staged.add(path)
            return good.staging.put(path, secret, context)
          },
        },
        list: async function* (prefix, context) {
          yield* good.list(prefix, context)
          for (const path of staged) if (path.startsWith(prefix)) yield { path }
        },
      }
    }),
    caughtBy: 'staging: a version that is staged for a missing secret is no secret, and no path of a list',
  },
  'promotes whatever is staged': {
    spoil: staging((good) => ({
      promote: async (path, pending, context) => good.promote(path, (await good.get(path, context)) ?? pending, context),
    })),
    caughtBy: other,
  },
  'discards whatever is staged': {
    spoil: staging((good) => ({
      discard: async (path, pending, context) => good.discard(path, (await good.get(path, context)) ?? pending, context),
    })),
    caughtBy: other,
  },
  'promotes by the number cut to 32 bits': {
    spoil: staging((good) => ({
      promote: (path, { version, revision }, context) =>
        good.promote(path, { version: version === undefined ? undefined : version >>> 0, revision }, context),
    })),
    caughtBy: other,
  },
  'promotes at whatever path it was staged': {
    spoil: staging((good) => ({
      promote: (path, pending, context) =>
        good.promote(path, pending, context).catch(() => good.promote('suite/secret-1', { version: pending.version }, context)),
    })),
    caughtBy: 'staging: a promotion at another path is a conflict',
  },
  'loses the tags of a staged version': {
    spoil: staging((good) => ({ put: (path, { tags: _tags, ...secret }, context) => good.put(path, secret, context) })),
    caughtBy: tags,
  },
  'replaces all tags at a promotion': {
    spoil: staging((good, all) => ({
      promote: async (path, pending, context) => {
        await all.tag(path, { team: null }, context)
        return good.promote(path, pending, context)
      },
    })),
    caughtBy: tags,
  },
}

/** Providers that mistake a withdrawn secret for a live one, or the reverse. */
export const badWithdrawals: Readonly<Record<string, BadProvider>> = {
  'ends a list at a withdrawn secret': {
    spoil: replacing((good) => ({
      list: async function* (prefix, context) {
        const isWithdrawn = await good.get('suite/secret-1', context).then(
          () => false,
          () => true,
        )
        if (!isWithdrawn) yield* good.list(prefix, context)
      },
    })),
    caughtBy: 'withdrawn: a list has the others, and has it once or not at all',
  },
  'restores a secret to tag it': {
    spoil: replacing((good) => ({
      tag: async (path, given, context) => {
        await good.restore(path, context).catch(() => undefined)
        return good.tag(path, given, context)
      },
    })),
    caughtBy: 'withdrawn: tags do not make it live',
  },
  'writes over a withdrawn secret and leaves it withdrawn': {
    spoil: replacing((good) => ({
      put: async (path, secret, context) => {
        const isWithdrawn = await good.get(path, context).then(
          () => false,
          (error: { code?: string }) => error.code === 'DELETED',
        )
        const receipt = await good.put(path, secret, context)
        if (isWithdrawn) await good.delete(path, { purge: false }, context)
        return receipt
      },
    })),
    caughtBy: 'withdrawn: a write makes it live, or rejects with DELETED and changes nothing',
  },
  'does not delete twice': {
    spoil: replacing((good) => ({
      delete: async (path, options, context) => {
        if (!options.purge) await good.get(path, context)
        return good.delete(path, options, context)
      },
    })),
    caughtBy: 'withdrawn: another delete resolves, and it stays withdrawn',
  },
  'promotes over a withdrawn secret': {
    spoil: replacing((good) => ({
      staging: {
        ...good.staging,
        promote: (path, pending, context) =>
          good.staging.promote(path, pending, context).catch(() => good.put(path, { value: 'promoted' }, context)),
      },
    })),
    caughtBy: 'withdrawn: what was staged cannot be promoted',
  },
  'writes another version to restore a live secret': {
    spoil: replacing((good) => ({
      restore: async (path, context) => {
        const secret = await good.get(path, context).catch(() => undefined)
        if (secret === undefined) return good.restore(path, context)
        await good.put(path, { value: secret.value }, context)
      },
    })),
    caughtBy: 'restoring: a live secret stays as it is',
  },
  'cannot restore a live secret': {
    spoil: replacing((good) => ({
      restore: async (path, context) => {
        const isLive = await good.get(path, context).then(
          (secret) => secret !== undefined,
          () => false,
        )
        if (isLive) throw new SecretsError('VERSION_CONFLICT', 'it is live')
        return good.restore(path, context)
      },
    })),
    caughtBy: 'restoring: a live secret stays as it is',
  },
}
