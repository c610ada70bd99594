import { describe, test } from 'vitest'
import { memoryManifest } from '../../fakes/memory-provider.ts'
import { replacing, testCatches } from '../../testing/bad-providers.ts'

const members = 'statement: it has the members that its manifest declares, and no others'
const consistent = 'statement: what its manifest says of values, paths and numbers is consistent'
const failureModes = 'statement: the harness can bring about every failure mode, or says why it cannot happen'

describe('the rules of the statement', () => {
  testCatches(test, /^statement:/, {
    'has no member that it declares': { spoil: replacing(() => ({ describe: undefined })), caughtBy: members },
    'has a member that it does not declare': {
      spoil: (harness) => harness,
      manifest: { supports: memoryManifest.supports.filter((member) => member !== 'list') },
      caughtBy: members,
    },
    'is of no version of the contract': {
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
    'locates a name where its store cannot hold it': {
      spoil: replacing(() => ({ locate: (name) => ({ path: name }) })),
      caughtBy: 'statement: it locates a name only at a path that its store can hold',
    },
    'has a harness that cannot break its store': { spoil: (harness) => ({ ...harness, breakStore: {} }), caughtBy: failureModes },
    'excludes what can happen': { spoil: (harness) => harness, cannotHappen: { throttled: 'a reason' }, caughtBy: failureModes },
  })
})
