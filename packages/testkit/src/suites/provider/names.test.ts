import { posix } from 'node:path'
import { SecretsError } from '@finchat/secrets-core'
import { describe, test } from 'vitest'
import { memoryManifest } from '../../fakes/memory-provider.ts'
import { misreading, rejecting, replacing, testCatches } from '../../testing/bad-providers.ts'
import { badNames } from '../../testing/zoo/names.ts'

const itself = (shown: string): string => `names: ${shown} is read back exactly`
const refused = (shown: string): string => `names: ${shown} is refused before any call`
const two = (one: string, other: string): string => `names: "suite/${one}" and ${other} are different secrets`

/** A store on a plain object, which has members that nobody wrote. */
const plain: Record<string, unknown> = {}

describe('the rules of names', () => {
  testCatches(test, /^names:/, {
    ...badNames,
    'follows dots': {
      spoil: misreading((path) => (path.includes('/../') ? posix.normalize(path) : path)),
      caughtBy: itself('"suite/../suite/secret-1"'),
    },
    'drops dots': { spoil: misreading((path) => path.replaceAll('./', '')), caughtBy: itself('"suite/./secret-1"') },
    'drops empty segments': { spoil: misreading((path) => path.replaceAll('//', '/')), caughtBy: two('key', '"suite//key"') },
    'drops slashes around': { spoil: misreading((path) => path.replaceAll(/^\/|\/$/g, '')), caughtBy: two('key', '"suite/key/"') },
    'takes backslashes for slashes': { spoil: misreading((path) => path.replaceAll('\\', '/')), caughtBy: itself('"suite\\\\secret-1"') },
    'decodes percent signs': { spoil: misreading((path) => path.replaceAll(/%2f/gi, '/')), caughtBy: itself('"suite%2fsecret-1"') },
    'cuts off a query': { spoil: misreading((path) => path.replace(/\?.*/, '')), caughtBy: itself('"suite/secret-1?version=1"') },
    'cuts off a field': { spoil: misreading((path) => path.replace(/#.*/, '')), caughtBy: itself('"suite/secret-1#field"') },
    trims: { spoil: misreading((path) => path.trim() || path), caughtBy: itself('" suite/secret-1"') },
    'ignores case': { spoil: misreading((path) => path.toLowerCase()), caughtBy: two('key', '"suite/KEY"') },
    'takes slashes for dots': { spoil: misreading((path) => path.replaceAll('/', '.')), caughtBy: two('key', '"suite.key"') },
    'takes dashes for underscores': { spoil: misreading((path) => path.replaceAll('-', '_')), caughtBy: two('a_b', '"suite/a-b"') },
    'takes spaces for pluses': { spoil: misreading((path) => path.replaceAll(' ', '+')), caughtBy: two('a+b', '"suite/a b"') },
    'takes look-alikes for letters': { spoil: misreading((path) => path.replaceAll('а', 'a')), caughtBy: two('a', '"suite/\\u0430"') },
    'folds widths': { spoil: misreading((path) => path.normalize('NFKC')), caughtBy: itself('"\\uff53uite/secret-1"') },
    'composes characters': { spoil: misreading((path) => path.normalize('NFC')), caughtBy: two('\\u00e9', '"suite/e\\u0301"') },
    'ends a path at a dash': { spoil: misreading((path) => path.replace(/(?<=key)-\d$/, '')), caughtBy: two('key', '"suite/key-1"') },
    'folds case by spelling': { spoil: misreading((path) => path.replaceAll('ß', 'ss')), caughtBy: two('\\u00df', '"suite/ss"') },
    'folds case by signs': { spoil: misreading((path) => path.replaceAll('\u212a', 'k')), caughtBy: two('k', '"suite/\\u212a"') },
    'reads numbers in paths': { spoil: misreading((path) => path.replace('/01', '/1')), caughtBy: two('1', '"suite/01"') },
    'decodes percent signs of percent signs': {
      spoil: misreading((path) => path.replace('%25', '%')),
      caughtBy: two('100%', '"suite/100%25"'),
    },
    'resolves other folders': { spoil: misreading((path) => path.replace('other/../', '')), caughtBy: two('key', '"suite/other/../key"') },
    'finds members that nobody wrote': {
      spoil: replacing((good) => ({
        get: async (path, context) => (await good.get(path, context)) ?? (path in plain ? { value: String(plain[path]) } : undefined),
      })),
      caughtBy: itself('"constructor"'),
    },
    'holds one secret only': { spoil: misreading(() => 'the-only-one'), caughtBy: itself('"{{suite}}"') },
    'refuses what it says it can hold': {
      spoil: (harness) => harness,
      manifest: { canHoldPath: () => true },
      caughtBy: itself('"suite/secret-1\\u0000"'),
    },
    'holds what it says it cannot': {
      spoil: (harness) => harness,
      manifest: { canHoldPath: (path) => path.startsWith('suite/secret') },
      caughtBy: refused('"__proto__"'),
    },
    'asks its store before it looks at the path': {
      spoil: replacing((good) => ({
        get: async (path, context) => {
          await good.checkHealth(context)
          return good.get(path, context)
        },
      })),
      caughtBy: refused('""'),
    },
    'answers a bad path with absence': {
      spoil: rejecting(['get'], (error) => (error.code === 'INVALID_ARGUMENT' ? undefined : error)),
      caughtBy: refused('"\\ud800"'),
    },
    'fails a whole batch for one bad path': {
      spoil: replacing((good) => ({
        getMany: async (paths, context) => {
          if (!paths.every(memoryManifest.canHoldPath)) throw new SecretsError('INVALID_ARGUMENT', 'a bad path')
          return good.getMany(paths, context)
        },
      })),
      caughtBy: refused('""'),
    },
  })
})
