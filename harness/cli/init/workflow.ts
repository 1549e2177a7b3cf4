export interface Workflow {
  readonly scenario: string
  /** `owner/outlast@v1`, the repository as an action; absent: the project has outlast as a package. */
  readonly action?: string
  readonly runtime: 'process' | 'docker'
  /** It runs already, where the workflow starts it. */
  readonly isRemote: boolean
}

/** What a reader of the workflow is to replace. */
export const unknownAction = 'OWNER/outlast@REF'

export function workflowText(workflow: Workflow): string {
  const { action, isRemote } = workflow
  const isUnknown = action === unknownAction
  return `# Written by outlast init. A broken promise or gate makes the pull request red: docs/ci.md.
${isUnknown ? `# ${unknownAction} is the repository of outlast, at a tag or a commit.\n` : ''}name: outlast
on: [pull_request]

permissions:
  contents: read

jobs:
  outlast:
    runs-on: ubuntu-latest
    timeout-minutes: 30
    steps:
      - uses: actions/checkout@v6
      # Here: what ${isRemote ? 'starts the service at its address' : 'the service needs to start, as npm ci or pip install'}.
${action === undefined ? installedSteps(workflow) : actionSteps(workflow, action)}`
}

function actionSteps({ scenario, runtime }: Workflow, action: string): string {
  return `      - uses: ${action}
        with:
          scenario: ${scenario}
          format: junit,markdown
${runtime === 'docker' ? '          options: --runtime docker\n' : ''}`
}

function installedSteps({ scenario, runtime }: Workflow): string {
  const more = runtime === 'docker' ? ' --runtime docker' : ''
  return `      - uses: actions/setup-node@v6
        with:
          node-version: 24
      - run: npm ci
      - run: npx outlast run ${scenario} --format junit,markdown --out outlast-report${more}
      - uses: actions/upload-artifact@v6
        if: always()
        with:
          name: outlast-report
          path: outlast-report
          if-no-files-found: ignore
`
}
