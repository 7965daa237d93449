import assert from 'node:assert/strict';

describe('these tests', () => {
  it('turn red when something is wrong', () => {
    assert.equal(process.env['TEST_DELIBERATE_FAILURE'], undefined, 'deliberate failure');
  });
});
