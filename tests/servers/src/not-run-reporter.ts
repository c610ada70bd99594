import type { Reporter, TestModule, TestSuite } from 'vitest/node'

/** Names, after everything else, the suites that did not run for want of a server. */
export default class NotRunReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const lines = modules.flatMap((module) => [...module.children.allSuites()].filter(isOutermost).map((suite) => lineFor(module, suite)))
    if (lines.length > 0) console.log(`\n${lines.join('\n')}`)
  }
}

/** The suites within one that did not run have its reason too, and go without saying. */
function isOutermost(suite: TestSuite): boolean {
  return suite.meta().notRun !== undefined && (suite.parent.type === 'module' || suite.parent.meta().notRun === undefined)
}

function lineFor(module: TestModule, suite: TestSuite): string {
  return `NOT RUN  ${module.relativeModuleId} > ${suite.fullName}: needs ${suite.meta().notRun}`
}
