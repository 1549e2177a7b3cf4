/** `npm run test:whole`: also what repeats on another server, another variant, or once more what the suites show anyway. */
export const isWhole = process.env['OUTLAST_SUITES'] === 'whole'
