import { describe, test } from 'vitest'
import { memoryManifest } from '../../fakes/memory-provider.ts'
import { deletingForGood, replacing, testCatches, withoutRestore } from '../../testing/bad-providers.ts'

const members = 'manifest: the provider has the declared members, and no others'
const consistent = 'manifest: limits of values, paths and numbers are consistent'
const failureModes = 'manifest: the harness can cause every failure, or gives the reason why it cannot happen'

describe('the rules of manifests', () => {
  testCatches(test, /^manifest:/, {
    'has no member that it declares': { spoil: replacing(() => ({ describe: undefined })), caughtBy: members },
    'has an undeclared method': {
      spoil: (harness) => harness,
      manifest: { supports: memoryManifest.supports.filter((member) => member !== 'list') },
      caughtBy: members,
    },
    'has an unknown version of the contract': {
      spoil: replacing(() => ({ specificationVersion: 'v0' as never })), // a version that the type does not know
      caughtBy: members,
    },
    'has no name': { spoil: replacing(() => ({ name: '' })), caughtBy: members },
    'declares more bytes at least than at most': {
      spoil: (harness) => harness,
      manifest: { values: { minBytes: 2, maxBytes: 1, binary: true } },
      caughtBy: consistent,
    },
    'writes numbers and does not say how': { spoil: (harness) => harness, manifest: { numbering: undefined }, caughtBy: consistent },
    'locates a name at a path that its store cannot hold': {
      spoil: replacing(() => ({ locate: (name) => ({ path: name }) })),
      caughtBy: 'manifest: `locate` returns only paths that the store can hold',
    },
    'has a harness that cannot break its store': { spoil: (harness) => ({ ...harness, breakStore: {} }), caughtBy: failureModes },
    'says that a delete cannot be undone, which can': {
      spoil: (harness) => ({ ...harness, withdraw: undefined }),
      cannotHappen: { withdrawn: 'a reason' },
      caughtBy: failureModes,
    },
    'deletes for good only, and does not say so': { spoil: deletingForGood, manifest: withoutRestore, caughtBy: failureModes },
    'excludes what can happen': { spoil: (harness) => harness, cannotHappen: { throttled: 'a reason' }, caughtBy: failureModes },
  })
})
