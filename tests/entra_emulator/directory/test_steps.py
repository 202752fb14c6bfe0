from entra_emulator.directory.steps import Steps, finish, in_one_step, take_step


def count(number: int) -> Steps[int]:
    for _ in range(number):
        yield
    return number


def test_steps_end_with_their_result() -> None:
    steps = count(2)

    assert [take_step(steps) for _ in range(3)] == [None, None, (2,)]


def test_all_steps_are_taken_to_their_end() -> None:
    assert finish(count(3)) == 3


def test_a_function_is_one_step() -> None:
    assert take_step(in_one_step(max, 1, 2)) == (2,)
